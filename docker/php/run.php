<?php
/**
 * Runs PHP code from standard input in a loaded WordPress, as the body of a function, and prints what
 * it returns as JSON on the last line, after the mark in LEARNOMY_SITE_MARK.
 *
 * LEARNOMY_SITE_USER is a login or an id: the current user; without it nobody is logged in.
 */

require __DIR__ . '/load.php';
require getenv( 'LEARNOMY_SITE_ROOT' ) . '/wp-load.php';

$learnomy_site_user = getenv( 'LEARNOMY_SITE_USER' );
if ( false !== $learnomy_site_user && '' !== $learnomy_site_user ) {
	$learnomy_site_found = is_numeric( $learnomy_site_user )
		? get_userdata( (int) $learnomy_site_user )
		: get_user_by( 'login', $learnomy_site_user );
	if ( ! $learnomy_site_found ) {
		fwrite( STDERR, "No such user: $learnomy_site_user\n" );
		exit( 1 );
	}
	wp_set_current_user( $learnomy_site_found->ID );
}

$learnomy_site_result = eval( stream_get_contents( STDIN ) );
echo "\n" . getenv( 'LEARNOMY_SITE_MARK' ) . json_encode( $learnomy_site_result, JSON_UNESCAPED_SLASHES | JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION ) . "\n";
