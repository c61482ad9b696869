<?php
/**
 * Calls of the backend to WordPress: `POST /?learnomy-bridge=<verb>`, signed, answered once WordPress is loaded.
 *
 * It is no REST route, so that nothing which guards the REST API stands before it.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Verifies and answers calls.
 */
final class Channel_Incoming {

	const PARAMETER     = 'learnomy-bridge';
	const SKEW_MS       = 60000;
	const NONCE_SECONDS = 120;
	const MOST_BODY     = 4194304;

	/**
	 * Who answers which verb: takes the payload, returns what becomes `data`, or a WP_Error.
	 */
	const VERBS = array(
		'ping'   => array( 'Learnomy\Channel_Incoming', 'ping' ),
		'ask'    => array( 'Learnomy\Asks', 'serve' ),
		'effect' => array( 'Learnomy\Effects', 'serve' ),
		'record' => array( 'Learnomy\Record', 'serve' ),
		'fire'   => array( 'Learnomy\Actions', 'answer_fire' ),

		'seed_people' => array( 'Learnomy\Seed', 'serve' ),
	);

	/**
	 * Registers.
	 */
	public static function init(): void {
		if ( '' !== self::verb() ) {
			add_action( 'wp_loaded', array( self::class, 'serve' ), 0 );
		}
	}

	/**
	 * The verb that is called; '' where this is no call.
	 *
	 * @return string
	 */
	private static function verb(): string {
		// phpcs:disable WordPress.Security.ValidatedSanitizedInput, WordPress.Security.NonceVerification -- A known verb, signed.
		$verb = isset( $_GET[ self::PARAMETER ] ) && is_string( $_GET[ self::PARAMETER ] ) ? $_GET[ self::PARAMETER ] : '';
		return isset( self::VERBS[ $verb ] ) && isset( $_SERVER['REQUEST_METHOD'] ) && 'POST' === $_SERVER['REQUEST_METHOD'] ? $verb : '';
		// phpcs:enable
	}

	/**
	 * Answers the call, and ends the request.
	 */
	public static function serve(): void {
		$verb = self::verb();
		$body = (string) file_get_contents( 'php://input' );
		if ( ! self::verify( $verb, $body ) ) {
			status_header( 403 );
			nocache_headers();
			exit;
		}
		$payload = json_decode( $body, true );
		$level   = ob_get_level();
		ob_start(); // What listeners print is no part of the reply.
		try {
			$result = call_user_func( self::VERBS[ $verb ], is_array( $payload ) ? $payload : array() );
		} catch ( \Throwable $error ) {
			error_log( 'Learnomy: ' . $verb . ': ' . $error ); // phpcs:ignore WordPress.PHP.DevelopmentFunctions -- For the owner.
			$result = new \WP_Error( 'internal_error', Envelope::MESSAGES['internal_error'], array( 'status' => 500 ) );
		}
		while ( ob_get_level() > $level ) {
			ob_end_clean();
		}
		self::reply( $result );
	}

	/**
	 * Answers `ping`.
	 *
	 * @return array
	 */
	public static function ping(): array {
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Only whether it arrived.
		$authorization = ! empty( $_SERVER['HTTP_AUTHORIZATION'] ) || ! empty( $_SERVER['REDIRECT_HTTP_AUTHORIZATION'] ) || '' !== Identity::credential()->value;
		return array(
			'time_ms'        => Channel::now_ms(),
			'wp_version'     => get_bloginfo( 'version' ),
			'plugin_version' => LEARNOMY_BACKEND_VERSION,
			'authorization'  => $authorization,
		);
	}

	/**
	 * Whether the call is signed, fresh and not seen before.
	 *
	 * @param string $verb Verb.
	 * @param string $body Body.
	 * @return bool
	 */
	private static function verify( string $verb, string $body ): bool {
		$time  = self::header( 'TIME' );
		$nonce = self::header( 'NONCE' );
		$blog  = self::header( 'BLOG' );
		if ( strlen( $body ) > self::MOST_BODY || Channel_Keys::PROTOCOL !== self::header( 'BRIDGE' ) || ! Channel_Keys::are_usable() ) {
			return false;
		}
		$parts = array( Channel_Keys::PROTOCOL, 'call', $verb, hash( 'sha256', $body ), $blog, $time, $nonce );
		if ( ! Channel_Keys::is_signed( self::header( 'SIGNATURE' ), 'call', $parts ) ) {
			return false;
		}
		if ( ! ctype_digit( $time ) || abs( Channel::now_ms() - (int) $time ) > self::SKEW_MS || 1 !== preg_match( '/^[0-9a-f]{32}$/D', $nonce ) ) {
			return false;
		}
		return (string) get_current_blog_id() === $blog && self::is_new( $nonce );
	}

	/**
	 * Keeps a nonce; whether it was not there yet.
	 *
	 * @param string $nonce Nonce.
	 * @return bool
	 */
	private static function is_new( string $nonce ): bool {
		global $wpdb;
		$table   = $wpdb->prefix . 'lrn_expiring_keys';
		$quietly = $wpdb->suppress_errors( true );
		// phpcs:disable WordPress.DB -- A table of ours; the insert is the check.
		$added = $wpdb->query(
			$wpdb->prepare(
				"INSERT IGNORE INTO `$table` (scope, key_hash, counter, expires_at) VALUES ('bridge', %s, 0, UTC_TIMESTAMP(6) + INTERVAL %d SECOND)",
				'call:' . $nonce,
				self::NONCE_SECONDS
			)
		);
		// phpcs:enable
		$wpdb->suppress_errors( $quietly );
		return 1 === $added;
	}

	/**
	 * Sends a signed reply, and ends the request.
	 *
	 * @param array|\WP_Error $result Result.
	 */
	private static function reply( $result ): void {
		$status = 200;
		if ( is_wp_error( $result ) ) {
			$data   = $result->get_error_data();
			$status = is_array( $data ) && isset( $data['status'] ) ? (int) $data['status'] : 500;
			$body   = Envelope::encode( Envelope::error( (string) $result->get_error_code(), $result->get_error_message() ) );
		} else {
			$body = Envelope::encode( array( 'data' => $result ) );
		}
		$parts = array( Channel_Keys::PROTOCOL, 'reply', self::header( 'NONCE' ), (string) $status, hash( 'sha256', $body ) );
		status_header( $status );
		nocache_headers();
		header( 'Content-Type: ' . Envelope::JSON );
		header( 'X-Learnomy-Response-Signature: ' . Channel_Keys::sign( 'reply', $parts ) );
		echo $body; // phpcs:ignore WordPress.Security.EscapeOutput -- JSON.
		exit;
	}

	/**
	 * A header of the channel's.
	 *
	 * @param string $name Name.
	 * @return string
	 */
	private static function header( string $name ): string {
		$name = 'HTTP_X_LEARNOMY_' . $name;
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Compared with a signature.
		return isset( $_SERVER[ $name ] ) && is_string( $_SERVER[ $name ] ) ? $_SERVER[ $name ] : '';
	}
}
