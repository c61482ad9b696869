<?php
/**
 * Plugin Name:       Learnomy
 * Description:       Courses, lessons and progress for WordPress: the bridge to Learnomy's backend.
 * Version:           1.9.5
 * Requires at least: 6.1
 * Requires PHP:      7.4
 * License:           GPL-2.0-or-later
 * Text Domain:       learnomy
 * Update URI:        false
 *
 * @package Learnomy
 */

declare(strict_types=1);

defined( 'ABSPATH' ) || exit;

if ( defined( 'LEARNOMY_VERSION' ) ) {
	return;
}

// The release that integrators compare with; the second is our own.
define( 'LEARNOMY_VERSION', '1.9.5' );
define( 'LEARNOMY_BACKEND_VERSION', require __DIR__ . '/includes/version.php' );
define( 'LEARNOMY_FILE', __FILE__ );
define( 'LEARNOMY_DIR', __DIR__ );

// Every class and the file it is in: includes/autoload.php.
require_once __DIR__ . '/includes/autoload.php';

// Files with functions.
foreach ( array( 'bridge-functions.php', 'functions.php' ) as $learnomy_file ) {
	if ( is_file( __DIR__ . '/includes/' . $learnomy_file ) ) {
		require_once __DIR__ . '/includes/' . $learnomy_file;
	}
}
unset( $learnomy_file );

register_activation_hook( __FILE__, array( 'Learnomy\Activation', 'activate' ) );
register_deactivation_hook( __FILE__, array( 'Learnomy\Activation', 'deactivate' ) );

Learnomy\Plugin::load();
