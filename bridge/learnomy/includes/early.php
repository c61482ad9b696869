<?php
/**
 * Included by the must-use stub, before other plugins load: tries the early door.
 *
 * Whatever it throws is caught there, and WordPress goes on loading.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

// The stub names the version that installed it: an older or newer one does not know this file.
if ( isset( $learnomy_stub ) && ( require __DIR__ . '/version.php' ) === $learnomy_stub ) {
	require_once __DIR__ . '/autoload.php';
	Early_Door::enter();
}
