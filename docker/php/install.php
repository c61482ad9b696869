<?php
/**
 * Installs WordPress and its first accounts; prints the version. Safe to run twice.
 *
 * LEARNOMY_SITE_USERS is JSON of login => role, LEARNOMY_SITE_PASSWORD the password of all.
 */

define( 'WP_INSTALLING', true );
require __DIR__ . '/load.php';

// The installer's own mail: nobody reads it here.
function wp_new_blog_notification() {}

require getenv( 'LEARNOMY_SITE_ROOT' ) . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

$password = getenv( 'LEARNOMY_SITE_PASSWORD' );
if ( ! is_blog_installed() ) {
	wp_install( 'Learnomy academy', 'admin', 'admin@example.test', true, '', $password );
}
foreach ( json_decode( getenv( 'LEARNOMY_SITE_USERS' ), true ) as $login => $role ) {
	if ( ! username_exists( $login ) ) {
		$made = wp_insert_user(
			array(
				'user_login'   => $login,
				'user_pass'    => $password,
				'user_email'   => $login . '@example.test',
				'display_name' => ucfirst( $login ),
				'role'         => $role,
			)
		);
		if ( is_wp_error( $made ) ) {
			fwrite( STDERR, $made->get_error_message() . "\n" );
			exit( 1 );
		}
	}
}
global $wp_rewrite;
$wp_rewrite->set_permalink_structure( '/%postname%/' );
flush_rewrite_rules( true );
echo get_bloginfo( 'version' );
