<?php
/**
 * What a real WordPress writes, for Python to read. `$given` comes from the test; bytes travel as base64.
 */

global $wpdb;

$tag   = $given['tag'];
$named = function ( $values ) {
	return array_map(
		function ( $value ) {
			return base64_encode( serialize( $value ) );
		},
		$values
	);
};

// Values, and how PHP reads and judges texts.
$loop         = array( 'a' );
$loop[]       = &$loop[0];
$answer       = array( 'php' => PHP_VERSION );
$answer['serialized'] = $named( $given['values'] );
$answer['as_text']    = array_map( 'strval', $given['floats'] );
$answer['special']    = $named(
	array(
		'infinite'  => array( INF, -INF, NAN ),
		'bytes'     => "\xff\xfe\x00",
		'reference' => $loop,
		'keys'      => array( '5' => 'a', '05' => 'b', -3 => 'c', '' => 'd', '9223372036854775808' => 'e' ),
		'object'    => (object) array( 'a' => 1 ),
	)
);
$answer['texts'] = array();
foreach ( $given['texts'] as $encoded ) {
	$text              = base64_decode( $encoded );
	$read              = @unserialize( $text, array( 'allowed_classes' => false ) );
	$answer['texts'][] = array(
		'strict'  => is_serialized( $text ),
		'loose'   => is_serialized( $text, false ),
		'stored'  => base64_encode( maybe_serialize( $text ) ),
		'read'    => false === $read && 'b:0;' !== $text ? null : base64_encode( serialize( $read ) ),
	);
}

// Passwords.
$answer['hashes'] = array_map( 'wp_hash_password', $given['passwords'] );

// A user with a session, nonces and an Application Password.
$login   = 'fmt ' . $tag . '@example.test';
$user_id = wp_insert_user(
	array(
		'user_login' => $login,
		'user_pass'  => wp_slash( $given['posted'] ),
		'user_email' => $tag . '@example.test',
		'role'       => 'author',
	)
);
$answer['user_id']     = $user_id;
$answer['login']       = $login;
$answer['siteurl']     = get_site_option( 'siteurl' );
$answer['cookie_name'] = LOGGED_IN_COOKIE;
$answer['salts']       = array(
	'logged_in' => wp_salt( 'logged_in' ),
	'nonce'     => wp_salt( 'nonce' ),
);
$answer['guest_nonce'] = wp_create_nonce( 'wp_rest' );
$answer['expiration']  = time() + 3600;
$answer['cookie']      = wp_generate_auth_cookie( $user_id, $answer['expiration'], 'logged_in' );
wp_set_current_user( $user_id );
$_COOKIE[ LOGGED_IN_COOKIE ] = $answer['cookie'];
$answer['user_nonce']        = wp_create_nonce( 'wp_rest' );
unset( $_COOKIE[ LOGGED_IN_COOKIE ] );
wp_set_current_user( 0 );
$answer['now']                  = time();
list( $password, $item )        = WP_Application_Passwords::create_new_application_password( $user_id, array( 'name' => 'fmt' ) );
$answer['application_password'] = WP_Application_Passwords::chunk_password( $password );
$answer['application_uuid']     = $item['uuid'];

// Roles and capabilities.
add_role(
	"fmt_$tag",
	'Test role',
	array(
		'read'         => true,
		'upload_files' => true,
		'edit_posts'   => false,
		'fmt_numeric'  => 1,
	)
);
$user = new WP_User( $user_id );
$user->add_role( "fmt_$tag" );
$user->add_cap( 'learnomy_grade' );
$user->add_cap( 'publish_posts', false );
$user->add_cap( 'do_not_allow' );
$answer['users'] = array();
foreach ( get_users( array( 'fields' => 'ids' ) ) as $id ) {
	$user              = new WP_User( $id );
	$asked             = array_keys( $user->allcaps + array_fill_keys( $given['capabilities'], true ) );
	$answer['users'][] = array(
		'id'       => (int) $id,
		'roles'    => array_values( $user->roles ),
		'asked'    => $asked,
		'granted'  => array_values( array_filter( array_keys( $user->allcaps ), fn( $cap ) => ! empty( $user->allcaps[ $cap ] ) ) ),
		'user_can' => array_values( array_filter( $given['capabilities'], fn( $cap ) => user_can( $user, $cap ) ) ),
	);
}

// Options and user meta.
foreach ( $given['stored'] as $name => $value ) {
	update_option( "fmt_{$tag}_$name", $value, false );
	update_user_meta( $user_id, "fmt_$name", wp_slash( $value ) );
}
$answer['options'] = array();
foreach ( array_keys( $given['stored'] ) as $name ) {
	wp_cache_delete( "fmt_{$tag}_$name", 'options' );
	$answer['options'][ $name ] = base64_encode( serialize( get_option( "fmt_{$tag}_$name" ) ) );
}
update_option( "fmt_{$tag}_object", (object) array( 'a' => 1 ), false );

return $answer;
