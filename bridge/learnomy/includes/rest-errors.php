<?php
/**
 * Puts every error on our routes into our envelope, and keeps core's own checks of parameters out of the way.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Errors that did not come from the backend.
 */
final class Rest_Errors {

	/**
	 * What core says of a body or a parameter, which the backend says better.
	 */
	const OF_PARAMETERS = array( 'rest_invalid_json', 'rest_missing_callback_param', 'rest_invalid_param', 'rest_invalid_params' );

	/**
	 * Codes of core's, as our catalogue has them.
	 */
	const CODES = array(
		'rest_not_logged_in'        => 'unauthenticated',
		'rest_cookie_invalid_nonce' => 'forbidden',
		'rest_invalid_handler'      => 'internal_error',
		'rest_encode_error'         => 'internal_error',
		'incorrect_password'        => 'unauthenticated',
		'invalid_username'          => 'unauthenticated',
		'invalid_email'             => 'unauthenticated',
	);

	const BY_STATUS = array(
		401 => 'unauthenticated',
		403 => 'forbidden',
		404 => 'not_found',
		405 => 'method_not_allowed',
	);

	/**
	 * Registers.
	 */
	public static function init(): void {
		add_filter( 'rest_request_before_callbacks', array( self::class, 'drop_parameter_errors' ), -PHP_INT_MAX, 2 );
		add_filter( 'rest_request_after_callbacks', array( self::class, 'wrap_result' ), PHP_INT_MAX, 2 );
		add_filter( 'rest_post_dispatch', array( self::class, 'wrap_response' ), PHP_INT_MAX, 3 );
	}

	/**
	 * Drops core's complaint about parameters, so that our handler is called.
	 *
	 * @param mixed $response Result so far.
	 * @param array $handler  Handler.
	 * @return mixed
	 */
	public static function drop_parameter_errors( $response, $handler ) {
		if ( is_wp_error( $response ) && Routes::is_ours( $handler ) && in_array( $response->get_error_code(), self::OF_PARAMETERS, true ) ) {
			return null;
		}
		return $response;
	}

	/**
	 * Wraps an error that another plugin gave in place of our handler's answer.
	 *
	 * @param mixed $response Result.
	 * @param array $handler  Handler.
	 * @return mixed
	 */
	public static function wrap_result( $response, $handler ) {
		return is_wp_error( $response ) && Routes::is_ours( $handler ) ? self::of_wp_error( $response ) : $response;
	}

	/**
	 * Wraps what core or another plugin answered to the visitor's own request.
	 *
	 * @param \WP_HTTP_Response $response Response.
	 * @param \WP_REST_Server   $server   Server.
	 * @param \WP_REST_Request  $request  Request.
	 * @return \WP_HTTP_Response
	 */
	public static function wrap_response( $response, $server, $request ) {
		if ( $response instanceof Rest_Response || ! $response instanceof \WP_REST_Response || ! $response->is_error() || ! Rest_Path::is_ours( $request->get_route() ) ) {
			return $response;
		}
		$data = $response->get_data();
		if ( ! is_array( $data ) || ! isset( $data['code'], $data['message'] ) ) {
			return $response;
		}
		if ( 'rest_no_route' === $data['code'] ) {
			return self::no_route( $request->get_route() );
		}
		return self::of_wp_error( new \WP_Error( (string) $data['code'], (string) $data['message'], array( 'status' => $response->get_status() ) ), $response->get_headers() );
	}

	/**
	 * An error of WordPress's in our envelope.
	 *
	 * @param \WP_Error $error   Error.
	 * @param array     $headers Headers that came with it.
	 * @return Rest_Response
	 */
	public static function of_wp_error( \WP_Error $error, array $headers = array() ): Rest_Response {
		$data   = $error->get_error_data();
		$status = is_array( $data ) && isset( $data['status'] ) ? (int) $data['status'] : 500;
		$status = $status >= 400 && $status < 600 ? $status : 500;
		$code   = (string) $error->get_error_code();
		if ( isset( self::CODES[ $code ] ) ) {
			$code = self::CODES[ $code ];
		} elseif ( 0 === strncmp( $code, 'rest_', 5 ) && isset( self::BY_STATUS[ $status ] ) ) {
			$code = self::BY_STATUS[ $status ];
		}
		$code        = trim( (string) preg_replace( '/[^a-z0-9]+/', '_', strtolower( $code ) ), '_' );
		$retry_after = is_array( $data ) && isset( $data['retry_after'] ) ? (int) $data['retry_after'] : 0;
		if ( 503 === $status && 0 === $retry_after ) {
			$retry_after = ( new Breaker( Bridge_Options::address() ) )->retry_after();
		}
		$message = wp_strip_all_tags( (string) $error->get_error_message(), true );
		if ( 'backend_unavailable' === $code ) {
			$message = '';
		}
		$response = Rest_Response::error( $status, '' === $code ? 'internal_error' : $code, $message, array(), '', $retry_after );
		foreach ( $headers as $name => $value ) {
			if ( ! in_array( strtolower( (string) $name ), array( 'content-type', 'allow' ), true ) ) {
				$response->header( (string) $name, (string) $value );
			}
		}
		return $response;
	}

	/**
	 * The answer to a path or method that no route has.
	 *
	 * @param string $route Route.
	 * @return Rest_Response
	 */
	private static function no_route( string $route ): Rest_Response {
		$methods = Routes::methods_of( $route );
		if ( ! $methods ) {
			return Rest_Response::error( 404, 'not_found' );
		}
		$response = Rest_Response::error( 405, 'method_not_allowed' );
		sort( $methods );
		$response->header( 'Allow', implode( ', ', $methods ) );
		return $response;
	}
}
