<?php
/**
 * The full and the internal door: serves our routes inside WordPress.
 *
 * Full is the visitor's own request, internal is one that a theme or plugin makes with rest_do_request().
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Serves routes.
 */
final class Doors {

	/**
	 * Whether the visitor's own request is about to be dispatched.
	 *
	 * @var bool
	 */
	private static $is_expected = false;

	/**
	 * The visitor's own request.
	 *
	 * @var \WP_REST_Request|null
	 */
	private static $outer;

	/**
	 * Registers.
	 *
	 * @return void
	 */
	public static function init(): void {
		add_filter( 'rest_authentication_errors', array( self::class, 'expect' ), PHP_INT_MAX );
		add_filter( 'rest_pre_dispatch', array( self::class, 'notice' ), -PHP_INT_MAX, 3 );
		add_filter( 'rest_pre_serve_request', array( self::class, 'send' ), PHP_INT_MAX, 3 );
		add_filter( 'rest_allowed_cors_headers', array( self::class, 'allowed_headers' ) );
		add_filter( 'rest_exposed_cors_headers', array( self::class, 'exposed_headers' ) );
	}

	/**
	 * The server has judged who calls: what it dispatches next is the visitor's own request.
	 *
	 * @param mixed $result Result.
	 * @return mixed
	 */
	public static function expect( $result ) {
		self::$is_expected = ! is_wp_error( $result ) && defined( 'REST_REQUEST' ) && REST_REQUEST;
		return $result;
	}

	/**
	 * Notices the visitor's own request.
	 *
	 * @param mixed            $result  Result so far.
	 * @param \WP_REST_Server  $server  Server.
	 * @param \WP_REST_Request $request Request.
	 * @return mixed
	 */
	public static function notice( $result, $server, $request ) {
		if ( self::$is_expected ) {
			self::$is_expected = false;
			self::$outer       = $request;
		}
		if ( Rest_Path::is_ours( $request->get_route() ) ) {
			Doors_Message::take_scalar( $request );
		}
		return $result;
	}

	/**
	 * Serves one of our routes.
	 *
	 * @param \WP_REST_Request $request Request.
	 * @return Rest_Response
	 */
	public static function serve( \WP_REST_Request $request ): Rest_Response {
		$attributes = $request->get_attributes();
		$row        = $attributes['learnomy'];
		$is_outer   = $request === self::$outer;
		$depth      = ob_get_level();
		ob_start(); // What a listener prints is no part of the answer.
		try {
			$response = self::respond( $request, $row, $is_outer );
		} catch ( \Throwable $error ) {
			error_log( 'Learnomy: ' . $error ); // phpcs:ignore WordPress.PHP.DevelopmentFunctions -- The answer says that it is logged.
			$response = Rest_Response::error( 500, 'internal_error', '', array(), Doors_Message::request_id( $request, $is_outer ) );
		}
		while ( ob_get_level() > $depth && ob_end_clean() ) {
			continue;
		}
		if ( $is_outer ) {
			add_filter( 'nocache_headers', array( self::class, 'private_headers' ) );
		}
		// Core would select from the envelope, and a script's callback has a type of its own.
		unset( $request['_fields'] );
		if ( $is_outer && isset( $_GET['_jsonp'] ) ) { // phpcs:ignore WordPress.Security.NonceVerification -- Core's own parameter.
			$headers = $response->get_headers();
			unset( $headers['Content-Type'] );
			$response->set_headers( $headers );
		}
		return $response;
	}

	/**
	 * The answer to a request.
	 *
	 * @param \WP_REST_Request $request  Request.
	 * @param array            $row      Row of the route table.
	 * @param bool             $is_outer Whether it is the visitor's own request.
	 * @return Rest_Response
	 */
	private static function respond( \WP_REST_Request $request, array $row, bool $is_outer ): Rest_Response {
		$request_id = Doors_Message::request_id( $request, $is_outer );
		$refusal    = Filters::refusal( $row, $request );
		if ( null !== $refusal ) {
			return Rest_Errors::of_wp_error( $refusal );
		}
		$is_filtered = '' !== Filters::heard( $row, 'payload' );
		$message     = Doors_Message::of( $request, $row, $is_outer, Filters::query( $row, $request ), $is_filtered );
		if ( null === $message ) {
			return Rest_Response::error( 404, 'not_found', '', array(), $request_id );
		}
		$is_upload = 0 === strncmp( $message['content_type'], 'multipart/', 10 );
		$status    = $is_upload ? Multipart::refusal( $request->get_file_params() ) : ( strlen( $message['body'] ) > Channel::MOST_BODY ? 413 : 0 );
		if ( 0 !== $status ) {
			$codes = array(
				400 => 'bad_request',
				413 => 'payload_too_large',
				500 => 'internal_error',
			);
			return Rest_Response::error( $status, $codes[ $status ], '', array(), $request_id );
		}
		if ( ! empty( $row['authenticate'] ) ) {
			return Doors_Login::run( $message );
		}
		$response = Doors_Exchange::run( $message );
		return $is_filtered ? Filters::payload( $row, $response, $request ) : $response;
	}

	/**
	 * Sends the backend's own bytes, where nobody has changed them or wants to.
	 *
	 * @param bool              $served  Whether it was sent already.
	 * @param \WP_HTTP_Response $result  Response.
	 * @param \WP_REST_Request  $request Request.
	 * @return bool
	 */
	public static function send( $served, $result, $request ) {
		if ( ! $served && $result instanceof Rest_Response && null !== $result->file() ) {
			$result->file()->send( 'HEAD' !== $request->get_method() );
			if ( version_compare( get_bloginfo( 'version' ), '6.3', '<' ) ) {
				exit; // There, core sends headers about caching after this filter, when the file has begun.
			}
			return true;
		}
		// phpcs:ignore WordPress.Security.NonceVerification -- Core's own parameter.
		if ( $served || ! $result instanceof Rest_Response || isset( $_GET['_jsonp'] ) || has_filter( 'rest_pre_echo_response' ) ) {
			return $served;
		}
		$bytes = $result->bytes();
		if ( null === $bytes ) {
			return $served;
		}
		if ( 304 === $result->get_status() ) {
			header_remove( 'Content-Type' );
		}
		if ( version_compare( get_bloginfo( 'version' ), '6.3', '<' ) ) {
			// There, core sends headers about caching after this filter.
			ob_start();
		}
		if ( 'HEAD' !== $request->get_method() && 304 !== $result->get_status() ) {
			echo $bytes; // phpcs:ignore WordPress.Security.EscapeOutput -- As the backend wrote it.
		}
		return true;
	}

	/**
	 * Keeps what is somebody's own out of shared caches, which core's headers did not always do.
	 *
	 * @param array $headers Headers.
	 * @return array
	 */
	public static function private_headers( $headers ) {
		$headers                  = (array) $headers;
		$headers['Cache-Control'] = 'no-cache, must-revalidate, max-age=0, no-store, private';
		return $headers;
	}

	/**
	 * Headers that a script of another origin may send us.
	 *
	 * @param string[] $headers Names.
	 * @return string[]
	 */
	public static function allowed_headers( $headers ) {
		$ours = array( 'Idempotency-Key', 'If-Match', 'If-None-Match', 'X-Learnomy-Authorization', 'X-Request-ID' );
		return Rest_Path::is_ours( Rest_Path::asked() ) ? array_merge( (array) $headers, $ours ) : $headers;
	}

	/**
	 * Headers that a script of another origin may read.
	 *
	 * @param string[] $headers Names.
	 * @return string[]
	 */
	public static function exposed_headers( $headers ) {
		$ours = array( 'ETag', 'Location', 'Retry-After', 'RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset', 'X-Request-ID', 'Idempotency-Replayed' );
		return Rest_Path::is_ours( Rest_Path::asked() ) ? array_merge( (array) $headers, $ours ) : $headers;
	}
}
