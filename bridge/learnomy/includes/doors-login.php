<?php
/**
 * Logging in where WordPress is loaded: its own `authenticate` filters judge the password, then the backend goes on.
 *
 * So two-factor plugins, login limits and the like are never gone around.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * One login.
 */
final class Doors_Login {

	const WRONG = 'The user name or the password is not right.';

	/**
	 * What core says of a name or a password: repeating it would tell which names exist.
	 */
	const OF_CORE = array( 'invalid_username', 'invalid_email', 'incorrect_password', 'authentication_failed', 'invalidcombo' );

	/**
	 * Lets WordPress judge, and forwards what it said.
	 *
	 * @param array $message Facts of the channel.
	 * @return Rest_Response
	 */
	public static function run( array $message ): Rest_Response {
		$body = self::credentials( $message );
		if ( null === $body ) {
			return Doors_Exchange::run( $message ); // Nothing to judge: the backend says what is missing.
		}
		$user            = self::judge( $body );
		$message['via']  = 'authenticate';
		$message['user'] = is_wp_error( $user ) ? '0' : (string) $user->ID;
		// A refusal is forwarded too: the backend counts failed logins, and may answer that there were too many.
		$response = Doors_Exchange::run( $message );
		if ( ! is_wp_error( $user ) ) {
			return $response;
		}
		$code       = (string) $user->get_error_code();
		$is_refused = $response->is_error();
		if ( $is_refused && ( 401 !== $response->get_status() || in_array( $code, self::OF_CORE, true ) ) ) {
			return $response;
		}
		$said    = trim( wp_strip_all_tags( (string) $user->get_error_message(), true ) );
		$details = array();
		if ( ! in_array( $code, self::OF_CORE, true ) ) {
			$details[] = Envelope::detail( '', $code, $said );
		}
		return Rest_Response::error( 401, 'unauthenticated', $details && '' !== $said ? $said : self::WRONG, $details, (string) $message['headers']['X-Request-ID'] );
	}

	/**
	 * The name and the password, where there is something to judge.
	 *
	 * @param array $message Facts of the channel.
	 * @return array|null
	 */
	private static function credentials( array $message ): ?array {
		$type = strtolower( trim( (string) strtok( $message['content_type'], ';' ) ) );
		$body = '' === $type || 'application/json' === $type ? json_decode( $message['body'], true ) : null;
		foreach ( array( 'username', 'password' ) as $name ) {
			if ( ! is_array( $body ) || ! isset( $body[ $name ] ) || ! is_string( $body[ $name ] ) || '' === trim( $body[ $name ] ) ) {
				return null;
			}
		}
		return $body;
	}

	/**
	 * WordPress's own word on the password.
	 *
	 * @param array $body Body of the request.
	 * @return \WP_User|\WP_Error
	 */
	private static function judge( array $body ) {
		$extra = isset( $body['extra'] ) && is_array( $body['extra'] ) ? array_filter( $body['extra'], 'is_string' ) : array();
		// What plugins ask for beside the password reaches them as if it was posted.
		$_POST    = wp_slash( $extra ) + $_POST;
		$_REQUEST = wp_slash( $extra ) + $_REQUEST; // phpcs:ignore WordPress.Security.NonceVerification -- A login.
		// WordPress hashes and compares passwords as a form sends them, with slashes.
		// An application password is no password: it does not open sessions.
		$had_passwords = remove_filter( 'authenticate', 'wp_authenticate_application_password', 20 );
		$user          = wp_authenticate( $body['username'], wp_slash( $body['password'] ) );
		if ( $had_passwords ) {
			add_filter( 'authenticate', 'wp_authenticate_application_password', 20, 3 );
		}
		if ( $user instanceof \WP_User || is_wp_error( $user ) ) {
			return $user;
		}
		return new \WP_Error( 'authentication_failed', '' );
	}
}
