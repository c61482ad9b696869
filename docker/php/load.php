<?php
/**
 * What every command-line script of a site begins with: the surroundings of a plain page request.
 *
 * LEARNOMY_SITE_ROOT is the document root, LEARNOMY_SITE_HOST the Host header.
 */

$_SERVER['HTTP_HOST']       = getenv( 'LEARNOMY_SITE_HOST' );
$_SERVER['SERVER_NAME']     = '127.0.0.1';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD']  = 'GET';
$_SERVER['REQUEST_URI']     = getenv( 'LEARNOMY_SITE_PATH' ) ?: '/';
$_SERVER['REMOTE_ADDR']     = '127.0.0.1';
$_SERVER['HTTP_USER_AGENT'] = 'learnomy-site';
