<?php
/**
 * The early door: forwards a request to the backend before plugins and theme load, and ends there.
 *
 * WordPress cannot say who calls at this point, so credentials are forwarded and the backend judges them. Where it
 * answers that WordPress is needed, nothing has happened yet: this returns, and the same request becomes the full door.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * One request at the early door.
 */
final class Early_Door {

	const METHODS = array( 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE' );

	/**
	 * What servers that send files may take; the backend's routes name these in their paths.
	 */
	const SLOW = '#/(?:export|exports|download|pdf|credential)$#';

	const PASSED = array(
		'access-control-allow-origin'      => 'Access-Control-Allow-Origin',
		'access-control-allow-methods'     => 'Access-Control-Allow-Methods',
		'access-control-allow-credentials' => 'Access-Control-Allow-Credentials',
		'access-control-allow-headers'     => 'Access-Control-Allow-Headers',
		'access-control-expose-headers'    => 'Access-Control-Expose-Headers',
		'x-content-type-options'           => 'X-Content-Type-Options',
	);

	/**
	 * Answers and ends the request, or returns for WordPress to go on.
	 *
	 * @return void
	 */
	public static function enter(): void {
		$route = self::route();
		if ( '' === $route || self::needs_wordpress() ) {
			return;
		}
		$path   = Rest_Path::canonical( '/wp-json' . $route );
		$method = Rest_Path::method();
		if ( null === $path || ! in_array( $method, self::METHODS, true ) ) {
			return;
		}
		$reads = in_array( $method, array( 'GET', 'HEAD', 'OPTIONS' ), true );
		$body  = $reads ? '' : (string) file_get_contents( 'php://input' );
		if ( strlen( $body ) > Channel::MOST_BODY ) {
			self::refuse( 413, 'payload_too_large', 0 );
		}
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Encoded by query().
		$query = Rest_Path::query( isset( $_SERVER['QUERY_STRING'] ) ? (string) $_SERVER['QUERY_STRING'] : '' );
		try {
			$message = array(
				'method'       => 'HEAD' === $method ? 'GET' : $method,
				'target'       => $path . ( '' === $query ? '' : '?' . $query ),
				'body'         => $body,
				'content_type' => $reads ? '' : Channel::plain( self::server( 'CONTENT_TYPE' ) ),
				'door'         => 'early',
				'class'        => 1 === preg_match( self::SLOW, $route ) ? 'upload' : ( $reads ? 'read' : 'write' ),
				'headers'      => self::forwarded(),
			);
			$reply   = Channel::request( $message );
		} catch ( \Throwable $error ) {
			// The request may have been served: it must not be served again by the full door.
			$reply = Channel_Reply::failed( 'garbage', $error->getMessage() );
		}
		if ( '' !== $reply->failure ) {
			self::refuse( 503, 'backend_unavailable', ( new Breaker( Bridge_Options::address() ) )->retry_after() );
		}
		if ( 'answer' === $reply->control() && Doors_File::begins( $reply ) ) {
			self::begin( $reply->status, $reply->caller_headers() + self::passed( $reply ) );
			( new Doors_File( $message, $reply ) )->send( 'HEAD' !== $method );
			exit;
		}
		if ( 'answer' === $reply->control() ) {
			self::send( $reply->status, $reply->caller_headers() + self::passed( $reply ), 'HEAD' === $method ? '' : $reply->body );
		}
	}

	/**
	 * The route of ours that is asked for; '' where WordPress must find out.
	 *
	 * @return string
	 */
	private static function route(): string {
		// phpcs:disable WordPress.Security.ValidatedSanitizedInput, WordPress.Security.NonceVerification -- Only compared and matched.
		if ( isset( $_POST['rest_route'] ) ) {
			return '';
		}
		$uri   = self::server( 'REQUEST_URI' );
		$route = Rest_Path::of_uri( $uri );
		if ( isset( $_GET['rest_route'] ) ) {
			$home  = (string) preg_replace( '#^[a-z]+://[^/]*#i', '', (string) get_option( 'home' ) );
			$path  = rtrim( (string) preg_replace( '#/index\.php$#', '', (string) strtok( $uri, '?' ) ), '/' );
			$given = is_string( $_GET['rest_route'] ) ? $_GET['rest_route'] : '';
			// It is decoded already, and what is encoded once more is nothing that WordPress would find.
			$route = '' === $route && rtrim( $home, '/' ) === $path && false === strpos( $given, '%' ) ? '/' . trim( $given, '/' ) : '';
		}
		// phpcs:enable
		return 1 === preg_match( '#^/learnomy(?:-pro)?/v1/.#', $route ) ? $route : '';
	}

	/**
	 * Whether WordPress is needed, as far as it can be seen without asking the backend.
	 *
	 * @return bool
	 */
	private static function needs_wordpress(): bool {
		// phpcs:disable WordPress.Security.NonceVerification -- Nothing is done with them.
		if ( wp_installing() || defined( 'WP_CLI' ) || isset( $_GET['_jsonp'] ) || isset( $_GET['_envelope'] ) || isset( $_GET['_embed'] ) ) {
			return true;
		}
		// phpcs:enable
		// The owner's switch for all requests; on a test site, the caller's for one.
		if ( ( defined( 'LEARNOMY_FULL_DOOR' ) && LEARNOMY_FULL_DOOR ) || ( defined( 'LEARNOMY_TEST_DOORS' ) && LEARNOMY_TEST_DOORS && 'full' === self::server( 'HTTP_X_LEARNOMY_TEST_DOOR' ) ) ) {
			return true;
		}
		if ( 0 === strncasecmp( self::server( 'CONTENT_TYPE' ), 'multipart/', 10 ) ) {
			return true;
		}
		if ( Bridge_Options::get( 'compat' ) || ! Bridge_Options::is_paired() || ! is_array( get_option( 'learnomy_record' ) ) ) {
			return true;
		}
		return ! self::credential()->is_ours() && Credential::has_login_cookie();
	}

	/**
	 * The visitor's credential. Where the plugin is active for a network, it is loaded already and took it aside.
	 *
	 * @return Credential
	 */
	private static function credential(): Credential {
		return class_exists( __NAMESPACE__ . '\\Identity', false ) ? Identity::credential() : Credential::of_request();
	}

	/**
	 * The visitor's headers.
	 *
	 * @return array<string, string>
	 */
	private static function forwarded(): array {
		$credential = self::credential();
		$headers    = array( $credential->header => $credential->value );
		foreach ( Channel::FORWARDED as $name ) {
			if ( ! isset( $headers[ $name ] ) && 'Authorization' !== $name && 'X-Learnomy-Authorization' !== $name ) {
				$headers[ $name ] = self::server( 'HTTP_' . strtoupper( str_replace( '-', '_', $name ) ) );
			}
		}
		$headers['X-Request-ID'] = Envelope::request_id();
		return $headers;
	}

	/**
	 * Headers about sharing across origins, which the full WordPress makes itself.
	 *
	 * @param Channel_Reply $reply Reply.
	 * @return array<string, string>
	 */
	private static function passed( Channel_Reply $reply ): array {
		$headers = array();
		foreach ( self::PASSED as $name => $spelled ) {
			if ( '' !== $reply->header( $name ) ) {
				$headers[ $spelled ] = $reply->header( $name );
			}
		}
		return $headers;
	}

	/**
	 * Answers with an error and ends the request.
	 *
	 * @param int    $status      Status.
	 * @param string $code        Code.
	 * @param int    $retry_after Seconds, 0 for none.
	 * @return void
	 */
	private static function refuse( int $status, string $code, int $retry_after ): void {
		$body = Envelope::encode( Envelope::error( $code ) );
		self::send( $status, Envelope::headers( $status, '', $retry_after ) + self::open_to_origin(), 'HEAD' === Rest_Path::method() ? '' : $body );
	}

	/**
	 * Headers that let a script of another origin read an answer made here, as WordPress lets it.
	 *
	 * @return array<string, string>
	 */
	private static function open_to_origin(): array {
		$origin = Channel::plain( self::server( 'HTTP_ORIGIN' ) );
		if ( '' === $origin ) {
			return array( 'Vary' => 'Origin' );
		}
		return array(
			'Access-Control-Allow-Origin'      => $origin,
			'Access-Control-Allow-Credentials' => 'true',
			'Access-Control-Expose-Headers'    => 'Retry-After, X-Request-ID',
			'Vary'                             => 'Origin',
		);
	}

	/**
	 * Sends an answer and ends the request.
	 *
	 * @param int                   $status  Status.
	 * @param array<string, string> $headers Headers.
	 * @param string                $body    Body.
	 * @return void
	 */
	private static function send( int $status, array $headers, string $body ): void {
		self::begin( $status, $headers );
		echo $body; // phpcs:ignore WordPress.Security.EscapeOutput -- JSON, as the backend wrote it.
		exit;
	}

	/**
	 * Sends the head of an answer.
	 *
	 * @param int                   $status  Status.
	 * @param array<string, string> $headers Headers.
	 * @return void
	 */
	private static function begin( int $status, array $headers ): void {
		http_response_code( $status );
		header( 'X-Robots-Tag: noindex' );
		foreach ( $headers as $name => $value ) {
			header( $name . ': ' . $value );
		}
		if ( 304 === $status || ! isset( $headers['Content-Type'] ) ) {
			header_remove( 'Content-Type' );
		}
	}

	/**
	 * A value of the server's. WordPress has not added its slashes yet.
	 *
	 * @param string $name Name.
	 * @return string
	 */
	private static function server( string $name ): string {
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Matched, or made plain where it is sent.
		return isset( $_SERVER[ $name ] ) && is_string( $_SERVER[ $name ] ) ? $_SERVER[ $name ] : '';
	}
}
