<?php
/**
 * What Python wrote, judged by a real WordPress; then everything that the two scripts made is removed.
 */

global $wpdb;

$tag     = $given['tag'];
$user_id = $given['user_id'];
$answer  = array();

$store_pass = function ( $hash ) use ( $wpdb, $user_id ) {
	$wpdb->update( $wpdb->users, array( 'user_pass' => $hash ), array( 'ID' => $user_id ) );
	clean_user_cache( $user_id );
};
$store_meta = function ( $key, $value ) use ( $wpdb, $user_id ) {
	$where = array(
		'user_id'  => $user_id,
		'meta_key' => $key,
	);
	$wpdb->delete( $wpdb->usermeta, $where );
	$wpdb->insert( $wpdb->usermeta, $where + array( 'meta_value' => $value ) );
	clean_user_cache( $user_id );
	wp_cache_delete( $user_id, 'user_meta' );
};

// Values, options and user meta.
$answer['values']  = array();
$answer['options'] = array();
$answer['meta']    = array();
foreach ( $given['values'] as $encoded ) {
	$answer['values'][] = base64_encode( serialize( unserialize( base64_decode( $encoded ) ) ) );
}
foreach ( $given['stored'] as $name => $encoded ) {
	$wpdb->insert(
		$wpdb->options,
		array(
			'option_name'  => "fmt_{$tag}_py_$name",
			'option_value' => base64_decode( $encoded ),
			'autoload'     => 'no',
		)
	);
	wp_cache_delete( 'notoptions', 'options' );
	$answer['options'][ $name ] = base64_encode( serialize( get_option( "fmt_{$tag}_py_$name" ) ) );
	$store_meta( "fmt_py_$name", base64_decode( $encoded ) );
	$answer['meta'][ $name ] = base64_encode( serialize( get_user_meta( $user_id, "fmt_py_$name", true ) ) );
}

// Passwords: WordPress's verdict on every pair, and a whole log-in.
$answer['checked'] = array();
foreach ( $given['pairs'] as $pair ) {
	$answer['checked'][] = wp_check_password( base64_decode( $pair['password'] ), $pair['hash'] );
}
if ( function_exists( 'wp_password_needs_rehash' ) ) {
	$answer['needs_rehash'] = array_map( 'wp_password_needs_rehash', $given['hashes'] );
	$answer['cost']         = PASSWORD_BCRYPT_DEFAULT_COST;
	$answer['fast_hashes']  = array_map( 'wp_fast_hash', $given['messages'] );
}
$answer['logged_in'] = array();
foreach ( $given['logins'] as $attempt ) {
	$store_pass( $attempt['hash'] );
	$found                 = wp_authenticate( $given['login'], wp_slash( $attempt['password'] ) );
	$answer['logged_in'][] = is_wp_error( $found ) ? $found->get_error_code() : $found->ID;
}

// Cookies, with the sessions that go with them, and nonces.
$store_meta( 'session_tokens', $given['sessions'] );
$answer['cookies'] = array();
foreach ( $given['cookies'] as $cookie ) {
	$store_pass( $cookie['user_pass'] );
	$answer['cookies'][] = wp_validate_auth_cookie( $cookie['cookie'], 'logged_in' );
}
$answer['guest_nonces'] = array();
foreach ( $given['guest_nonces'] as $nonce ) {
	$answer['guest_nonces'][] = wp_verify_nonce( $nonce, 'wp_rest' );
}
wp_set_current_user( $user_id );
$_COOKIE[ LOGGED_IN_COOKIE ] = $given['cookies'][0]['cookie'];
$answer['user_nonces']       = array();
foreach ( $given['user_nonces'] as $nonce ) {
	$answer['user_nonces'][] = wp_verify_nonce( $nonce, 'wp_rest' );
}
unset( $_COOKIE[ LOGGED_IN_COOKIE ] );
wp_set_current_user( 0 );

// Application Passwords.
add_filter( 'application_password_is_api_request', '__return_true' );
add_filter( 'wp_is_application_passwords_available', '__return_true' );
$store_meta( '_application_passwords', $given['application_passwords'] );
$answer['applications'] = array();
foreach ( $given['presented'] as $presented ) {
	$found                    = wp_authenticate_application_password( null, $given['login'], $presented );
	$answer['applications'][] = is_wp_error( $found ) ? $found->get_error_code() : $found->ID;
}
$answer['application_meta'] = $wpdb->get_var(
	$wpdb->prepare( "SELECT meta_value FROM $wpdb->usermeta WHERE user_id = %d AND meta_key = '_application_passwords'", $user_id )
);

// Roles: only this process sees Python's.
$roles_key = $wpdb->get_blog_prefix() . 'user_roles';
add_filter(
	"pre_option_$roles_key",
	function () use ( $given ) {
		return maybe_unserialize( $given['roles'] );
	}
);
wp_roles()->for_site();
$answer['user_can'] = array();
foreach ( $given['capability_meta'] as $meta ) {
	$store_meta( $wpdb->get_blog_prefix() . 'capabilities', $meta );
	$user                 = new WP_User( $user_id );
	$answer['user_can'][] = array(
		'roles'   => array_values( $user->roles ),
		'granted' => array_values( array_filter( $given['capabilities'], fn( $cap ) => user_can( $user, $cap ) ) ),
	);
}
remove_all_filters( "pre_option_$roles_key" );
wp_roles()->for_site();

require_once ABSPATH . 'wp-admin/includes/user.php';
wp_delete_user( $user_id );
remove_role( "fmt_$tag" );
foreach ( $wpdb->get_col( $wpdb->prepare( "SELECT option_name FROM $wpdb->options WHERE option_name LIKE %s", "fmt_{$tag}_%" ) ) as $name ) {
	delete_option( $name );
}

return $answer;
