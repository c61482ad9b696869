<?php
/**
 * The signed channel to the backend: sends one request, and believes only a signed reply.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Requests to the backend. Never throws, never waits longer than the class of the request allows.
 */
final class Channel {

	const CONNECT_MS = 300;

	/**
	 * How long each class of request may take in all. A 503 must be with the caller of a read within 2 s.
	 */
	const PATIENCE_MS = array(
		'read'   => 1800,
		'write'  => 10000,
		'upload' => 60000,
	);

	/**
	 * The backend commits nothing in the last moments of a deadline, so that its reply is still awaited.
	 */
	const MARGIN_MS = 500;

	/**
	 * Bytes that a body may have, uploads aside: the backend's own limit.
	 */
	const MOST_BODY = 1048576;

	/**
	 * Bytes that a reply may have.
	 */
	const MOST_BYTES = array(
		'read'   => 16777216,
		'write'  => 16777216,
		'upload' => 134217728,
	);

	const FORWARDED = array(
		'Authorization',
		'X-Learnomy-Authorization',
		'Idempotency-Key',
		'If-Match',
		'If-None-Match',
		'Range',
		'If-Range',
		'X-Request-ID',
		'Origin',
		'User-Agent',
		'Accept-Language',
	);

	/**
	 * Calls a verb of the bridge.
	 *
	 * @param string $verb    Verb.
	 * @param array  $payload Payload.
	 * @param array  $facts   As request() takes them: door, class, headers, user, via.
	 * @return array|\WP_Error The reply's `data`.
	 */
	public static function call( string $verb, array $payload, array $facts = array() ) {
		$reply = self::request(
			array_merge(
				array( 'door' => 'system' ),
				$facts,
				array(
					'method'       => 'POST',
					'target'       => '/learnomy-bridge/v1/' . $verb,
					'body'         => (string) wp_json_encode( $payload ? $payload : new \stdClass() ),
					'content_type' => 'application/json',
				)
			)
		);
		if ( '' !== $reply->failure ) {
			return new \WP_Error( 'backend_unavailable', $reply->explanation, array( 'status' => 503, 'failure' => $reply->failure ) );
		}
		$document = $reply->json();
		if ( $reply->status < 400 && isset( $document['data'] ) && is_array( $document['data'] ) ) {
			return $document['data'];
		}
		$error = isset( $document['error'] ) && is_array( $document['error'] ) ? $document['error'] : array();
		return new \WP_Error(
			isset( $error['code'] ) ? (string) $error['code'] : 'bad_reply',
			isset( $error['message'] ) ? (string) $error['message'] : 'The backend gave no usable reply.',
			array( 'status' => $reply->status >= 400 ? $reply->status : 502 )
		);
	}

	/**
	 * Sends one request.
	 *
	 * @param array $facts {
	 *     What to send.
	 *
	 *     @type string $method       Method.
	 *     @type string $target       Path and query.
	 *     @type string|Multipart_Body $body Body; ''.
	 *     @type string $content_type Its type; ''.
	 *     @type string $door         early, full, internal, page or system.
	 *     @type string $user         User id that WordPress asserts; '' for nothing.
	 *     @type string $via          How WordPress knows the user; ''.
	 *     @type string $class        read, write or upload.
	 *     @type int    $until_ms     Unix milliseconds, where this request goes on with an earlier one's time.
	 *     @type array  $headers      Headers of the visitor to pass on, by name.
	 *     @type string $address      Another address than the paired one.
	 *     @type bool   $force        Whether to try even while the breaker is open.
	 * }
	 * @return Channel_Reply
	 */
	public static function request( array $facts ): Channel_Reply {
		$facts += array(
			'body'         => '',
			'content_type' => '',
			'user'         => '',
			'via'          => '',
			'class'        => 'read',
			'headers'      => array(),
			'address'      => Bridge_Options::address(),
			'force'        => false,
		);
		if ( ! Channel_Keys::are_usable() || '' === $facts['address'] ) {
			return Channel_Reply::failed( 'unpaired', 'This site is not connected to a backend.' );
		}
		$breaker = new Breaker( $facts['address'] );
		if ( ! $facts['force'] && ! $breaker->allows() ) {
			return Channel_Reply::failed( 'open', 'The backend did not answer a moment ago.' );
		}
		$facts    += array( 'until_ms' => self::now_ms() + self::PATIENCE_MS[ $facts['class'] ] );
		$purpose   = '/learnomy-bridge/v1/pair' === $facts['target'] ? 'pair' : 'request';
		$headers   = self::headers( $facts, $purpose );
		$exchange  = array(
			'address'    => $facts['address'],
			'method'     => $facts['method'],
			'target'     => $facts['target'],
			'headers'    => $headers,
			'body'       => $facts['body'],
			'connect_ms' => self::CONNECT_MS,
			'total_ms'   => max( 50, $facts['until_ms'] - self::now_ms() ),
			'most_bytes' => self::MOST_BYTES[ $facts['class'] ],
		);
		$reply     = function_exists( 'curl_init' ) ? Channel_Curl::exchange( $exchange ) : Channel_Stream::exchange( $exchange );
		$reply     = self::verified( $reply, $headers['X-Learnomy-Nonce'], $purpose );
		$is_broken = '' !== $reply->failure && 'refused' !== $reply->failure;
		if ( $is_broken ) {
			$breaker->failure();
		} else {
			$breaker->success();
		}
		return $reply;
	}

	/**
	 * Unix time in milliseconds.
	 *
	 * @return int
	 */
	public static function now_ms(): int {
		return (int) round( microtime( true ) * 1000 );
	}

	/**
	 * A header value that every server on the way reads alike; both sides sign this one.
	 *
	 * @param string $value Value.
	 * @return string
	 */
	public static function plain( string $value ): string {
		return trim( (string) preg_replace( '/[^\x20-\x7e]/', '?', $value ) );
	}

	/**
	 * All headers of a request, signed.
	 *
	 * @param array  $facts   Facts.
	 * @param string $purpose Key.
	 * @return array<string, string>
	 */
	private static function headers( array $facts, string $purpose ): array {
		$headers = array();
		foreach ( self::FORWARDED as $name ) {
			$value = isset( $facts['headers'][ $name ] ) ? self::plain( (string) $facts['headers'][ $name ] ) : '';
			if ( '' !== $value ) {
				$headers[ $name ] = $value;
			}
		}
		$headers['Content-Type'] = self::plain( $facts['content_type'] );
		$own                     = array(
			'Bridge'   => Channel_Keys::PROTOCOL,
			'Door'     => $facts['door'],
			'Blog'     => (string) get_current_blog_id(),
			'User'     => $facts['user'],
			'Via'      => $facts['via'],
			'Client'   => self::server( 'REMOTE_ADDR' ),
			'Host'     => self::host(),
			'Proto'    => is_ssl() ? 'https' : 'http',
			'Time'     => (string) self::now_ms(),
			'Nonce'    => bin2hex( random_bytes( 16 ) ),
			'Deadline' => 'read' === $facts['class'] ? '' : (string) ( $facts['until_ms'] - self::MARGIN_MS ),
		);
		$authorization           = isset( $headers['Authorization'] ) ? $headers['Authorization'] : '';
		if ( '' === $authorization && isset( $headers['X-Learnomy-Authorization'] ) ) {
			$authorization = $headers['X-Learnomy-Authorization'];
		}
		$signature = Channel_Keys::sign(
			$purpose,
			array(
				Channel_Keys::PROTOCOL,
				'request',
				$facts['method'],
				$facts['target'],
				Multipart_Body::digest( $facts['body'] ),
				$headers['Content-Type'],
				$own['Blog'],
				$own['Door'],
				$own['User'],
				$own['Via'],
				hash( 'sha256', $authorization ),
				$own['Client'],
				$own['Host'],
				$own['Proto'],
				isset( $headers['Idempotency-Key'] ) ? $headers['Idempotency-Key'] : '',
				$own['Time'],
				$own['Nonce'],
				$own['Deadline'],
			)
		);
		foreach ( $own + array( 'Signature' => $signature ) as $name => $value ) {
			$headers[ 'X-Learnomy-' . $name ] = $value;
		}
		return $headers;
	}

	/**
	 * The reply, where it is signed; else a failure.
	 *
	 * @param Channel_Reply $reply   Reply.
	 * @param string        $nonce   Nonce of the request.
	 * @param string        $purpose Key of the request.
	 * @return Channel_Reply
	 */
	private static function verified( Channel_Reply $reply, string $nonce, string $purpose ): Channel_Reply {
		if ( '' !== $reply->failure ) {
			return $reply;
		}
		$parts     = array(
			Channel_Keys::PROTOCOL,
			'response',
			$nonce,
			(string) $reply->status,
			$reply->header( 'content-type' ),
			hash( 'sha256', $reply->body ),
			$reply->control(),
			$reply->fire_token(),
		);
		$key       = 'pair' === $purpose ? 'pair-response' : 'response';
		$is_signed = Channel_Keys::is_signed( $reply->header( 'x-learnomy-response-signature' ), $key, $parts );
		if ( $is_signed && ( $reply->status < 300 || $reply->status >= 400 || 304 === $reply->status ) ) {
			return $reply;
		}
		// What is refused before its signature counts is no failure of the backend, and must not stop others.
		$document = $reply->json();
		$code     = isset( $document['error']['code'] ) && is_string( $document['error']['code'] ) ? $document['error']['code'] : '';
		if ( ! $is_signed && $reply->status >= 400 && $reply->status < 500 ) {
			return Channel_Reply::failed( 'refused', '' === $code ? 'HTTP ' . $reply->status : $code );
		}
		return Channel_Reply::failed( 'garbage', '' === $code ? 'The reply (HTTP ' . $reply->status . ') is not one of the backend.' : $code );
	}

	/**
	 * The host that the visitor asked for; without a visitor, the site's own.
	 *
	 * @return string
	 */
	private static function host(): string {
		$asked = self::server( 'HTTP_HOST' );
		return '' !== $asked ? $asked : self::plain( (string) preg_replace( '#^https?://([^/]*).*$#', '$1', (string) get_option( 'home' ) ) );
	}

	/**
	 * A value of the server's, as one plain string.
	 *
	 * @param string $name Name.
	 * @return string
	 */
	private static function server( string $name ): string {
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Signed as it is, and made plain here.
		return isset( $_SERVER[ $name ] ) && is_string( $_SERVER[ $name ] ) ? self::plain( $_SERVER[ $name ] ) : '';
	}
}
