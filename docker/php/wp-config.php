<?php
// The configuration of a private site; docker/learnomy_site fills in what stands between braces.
if ( is_file( '{{folder}}/extra-config.php' ) ) {
	require '{{folder}}/extra-config.php';
}

define( 'DB_NAME', '{{database}}' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:{{socket}}' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
$table_prefix = 'wp_';

{{salts}}

// One site with one address, whichever of its ports (with and without the direct door) was asked.
if ( isset( $_SERVER['HTTP_HOST'] ) && in_array( $_SERVER['HTTP_HOST'], array( {{hosts}} ), true ) ) {
	$_SERVER['HTTP_HOST'] = '{{host}}';
}
{{addresses}}
define( 'COOKIEHASH', '{{cookiehash}}' );

defined( 'WP_DEBUG' ) || define( 'WP_DEBUG', {{debug}} );
defined( 'WP_DEBUG_LOG' ) || define( 'WP_DEBUG_LOG', {{debug}} ? '{{folder}}/logs/debug.log' : false );
defined( 'WP_DEBUG_DISPLAY' ) || define( 'WP_DEBUG_DISPLAY', false );
defined( 'WP_ENVIRONMENT_TYPE' ) || define( 'WP_ENVIRONMENT_TYPE', 'local' );
defined( 'DISABLE_WP_CRON' ) || define( 'DISABLE_WP_CRON', true );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1,localhost' );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'FS_METHOD', 'direct' );
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
