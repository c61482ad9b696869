<?php
/**
 * The one shape of an error, as the backend writes it, and the headers that go with it.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Makes error answers. Their messages are the backend's own, so that every door says the same.
 */
final class Envelope {

	const JSON = 'application/json; charset=UTF-8';

	const FLAGS = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_PRESERVE_ZERO_FRACTION | JSON_INVALID_UTF8_SUBSTITUTE;

	const MESSAGES = array(
		'backend_unavailable' => 'The learning service is not available. Try again shortly.',
		'bad_request'         => 'The request is not one this server can read.',
		'not_found'           => 'There is nothing here.',
		'method_not_allowed'  => 'This address does not take that method.',
		'payload_too_large'   => 'The body is too large.',
		'internal_error'      => 'Something went wrong on our side. It has been logged.',
		'unauthenticated'     => 'Log in, or send a valid token.',
		'forbidden'           => 'You are not allowed to do this.',
	);

	/**
	 * The id of this request, the same for all its answers.
	 *
	 * @var string
	 */
	private static $request_id = '';

	/**
	 * The visitor's own request id where it is a sane one, else a new one.
	 *
	 * @return string
	 */
	public static function request_id(): string {
		if ( '' === self::$request_id ) {
			// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Only a matching one is used.
			$asked            = $_SERVER['HTTP_X_REQUEST_ID'] ?? '';
			self::$request_id = self::is_sane( $asked ) ? $asked : bin2hex( random_bytes( 12 ) );
		}
		return self::$request_id;
	}

	/**
	 * Whether a request id may be used as it is.
	 *
	 * @param mixed $id Id.
	 * @return bool
	 */
	public static function is_sane( $id ): bool {
		return is_string( $id ) && 1 === preg_match( '/^[A-Za-z0-9_.:-]{8,64}$/D', $id );
	}

	/**
	 * An error document.
	 *
	 * @param string $code       Code.
	 * @param string $message    Message; the code's own where it is ''.
	 * @param array  $details    Rows of field, code, message.
	 * @param string $request_id Request id; this request's where it is ''.
	 * @return array
	 */
	public static function error( string $code, string $message = '', array $details = array(), string $request_id = '' ): array {
		if ( '' === $message ) {
			$message = isset( self::MESSAGES[ $code ] ) ? self::MESSAGES[ $code ] : self::MESSAGES['internal_error'];
		}
		return array(
			'error' => array(
				'code'       => $code,
				'message'    => $message,
				'details'    => $details,
				'request_id' => '' === $request_id ? self::request_id() : $request_id,
			),
		);
	}

	/**
	 * One row of `details`.
	 *
	 * @param string $field   Field at fault, or ''.
	 * @param string $code    Code.
	 * @param string $message Message.
	 * @return array
	 */
	public static function detail( string $field, string $code, string $message ): array {
		return array(
			'field'   => $field,
			'code'    => $code,
			'message' => $message,
		);
	}

	/**
	 * Headers of an error.
	 *
	 * @param int    $status      Status.
	 * @param string $request_id  Request id.
	 * @param int    $retry_after Seconds, 0 for none.
	 * @return array<string, string>
	 */
	public static function headers( int $status, string $request_id = '', int $retry_after = 0 ): array {
		$headers = array(
			'Content-Type'  => self::JSON,
			'Cache-Control' => 'no-store',
			'X-Request-ID'  => '' === $request_id ? self::request_id() : $request_id,
		);
		if ( 401 === $status ) {
			$headers['WWW-Authenticate'] = 'Bearer realm="learnomy"';
		}
		if ( $retry_after > 0 ) {
			$headers['Retry-After'] = (string) $retry_after;
		}
		return $headers;
	}

	/**
	 * JSON bytes.
	 *
	 * @param mixed $value Value.
	 * @return string
	 */
	public static function encode( $value ): string {
		return (string) wp_json_encode( $value, self::FLAGS );
	}
}
