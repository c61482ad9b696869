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

if ( 'make' === getenv( 'LEARNOMY_SITE_NETWORK' ) ) {
	global $wpdb;
	foreach ( $wpdb->tables( 'ms_global' ) as $name => $table ) {
		$wpdb->$name = $table;
	}
	install_network();
	if ( ! $wpdb->get_var( "SELECT COUNT(*) FROM $wpdb->site" ) ) {
		$made = populate_network( 1, getenv( 'LEARNOMY_SITE_HOST' ), 'admin@example.test', 'Learnomy network', '/', false );
		// A port in the domain draws only the warning about wildcard DNS.
		if ( is_wp_error( $made ) && 'no_wildcard_dns' !== $made->get_error_code() ) {
			fwrite( STDERR, $made->get_error_message() . "\n" );
			exit( 1 );
		}
	}
	exit( 0 );
}

if ( is_multisite() && ! get_sites( array( 'path' => '/second/', 'count' => true ) ) ) {
	$made = wpmu_create_blog( getenv( 'LEARNOMY_SITE_HOST' ), '/second/', 'Second site', get_user_by( 'login', 'admin' )->ID );
	if ( is_wp_error( $made ) ) {
		fwrite( STDERR, $made->get_error_message() . "\n" );
		exit( 1 );
	}
}

global $wp_rewrite;
$wp_rewrite->set_permalink_structure( '/%postname%/' );
flush_rewrite_rules( true );
echo get_bloginfo( 'version' );
