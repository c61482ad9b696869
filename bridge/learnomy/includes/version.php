<?php
/**
 * The version of this plugin and of the backend that it is released with.
 *
 * It stands alone so that the early door can read it without loading the plugin.
 *
 * @package Learnomy
 */

return '0.1.0';
