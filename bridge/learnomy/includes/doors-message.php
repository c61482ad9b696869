<?php
/**
 * What a REST request of WordPress's is, as a request to the backend.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Builds the facts that the channel sends.
 */
final class Doors_Message {

	/**
	 * Headers of a request made inside WordPress that go along.
	 */
	const OF_INNER = array( 'Idempotency-Key', 'If-Match', 'If-None-Match' );

	/**
	 * Bodies that core cannot hold, by request.
	 *
	 * @var \SplObjectStorage|null
	 */
	private static $taken;

	/**
	 * Takes a JSON body that is no object and no list out of core's way, which would stumble over it.
	 *
	 * @param \WP_REST_Request $request Request.
	 */
	public static function take_scalar( \WP_REST_Request $request ): void {
		$body = (string) $request->get_body();
		if ( '' === $body || ! $request->is_json_content_type() || is_array( json_decode( $body, true ) ) || null === json_decode( $body ) ) {
			return;
		}
		if ( null === self::$taken ) {
			self::$taken = new \SplObjectStorage();
		}
		self::$taken[ $request ] = $body;
		$request->set_body( '' );
	}

	/**
	 * The whole message.
	 *
	 * @param \WP_REST_Request $request   Request.
	 * @param array            $row       Row of the route table.
	 * @param bool             $is_outer  Whether it is the visitor's own request.
	 * @param array|null       $query     Query parameters where a filter changed them, else null.
	 * @param bool             $is_whole  Whether the whole, unconditional answer is wanted, since filters change it.
	 * @return array|null Null where the path has no spelling, so that there is nothing at it.
	 */
	public static function of( \WP_REST_Request $request, array $row, bool $is_outer, ?array $query, bool $is_whole ): ?array {
		$path = self::path( $row, $request->get_url_params() );
		if ( null === $path ) {
			return null;
		}
		$method                      = $request->get_method();
		$query                       = self::query( $request, $is_outer, $query, $is_whole ? array( '_fields' ) : array() );
		list( $body, $content_type ) = self::body( $request, $is_outer );
		$identity                    = Identity::asserted( $is_outer );
		$spent                       = $is_outer && 'read' === $row['deadline'] ? Identity::spent_ms() : 0;
		$headers                     = self::headers( $request, $is_outer );
		if ( $is_whole ) {
			unset( $headers['If-None-Match'] );
		}
		return array(
			'method'       => 'HEAD' === $method ? 'GET' : $method,
			'target'       => $path . ( '' === $query ? '' : '?' . $query ),
			'body'         => $body,
			'content_type' => $content_type,
			'door'         => $is_outer ? 'full' : 'internal',
			'user'         => $identity['user'],
			'via'          => $identity['via'],
			'class'        => $row['deadline'],
			'until_ms'     => Channel::now_ms() + max( 200, Channel::PATIENCE_MS[ $row['deadline'] ] - $spent ),
			'headers'      => $identity['headers'] + $headers,
		);
	}

	/**
	 * The path, made of the route that WordPress matched, so that the backend cannot match another.
	 *
	 * @param array $row    Row.
	 * @param array $params Parameters of the path.
	 * @return string|null
	 */
	private static function path( array $row, array $params ): ?string {
		$path = preg_replace_callback(
			'/\(\?P<(\w+)>[^)]*\)/',
			static function ( array $match ) use ( $params ): string {
				return isset( $params[ $match[1] ] ) && is_scalar( $params[ $match[1] ] ) ? (string) $params[ $match[1] ] : '';
			},
			$row['path']
		);
		return Rest_Path::canonical( '/wp-json/' . $row['namespace'] . $path );
	}

	/**
	 * The query string: as it was sent where nobody changed it.
	 *
	 * @param \WP_REST_Request $request  Request.
	 * @param bool             $is_outer Whether it is the visitor's own request.
	 * @param array|null       $query    Changed parameters.
	 * @param string[]         $without  Parameters to leave out.
	 * @return string
	 */
	private static function query( \WP_REST_Request $request, bool $is_outer, ?array $query, array $without ): string {
		// phpcs:disable WordPress.Security.ValidatedSanitizedInput, WordPress.Security.NonceVerification -- Encoded by query().
		if ( null === $query ) {
			$query = $request->get_query_params();
			if ( $is_outer && wp_unslash( $_GET ) === $query && isset( $_SERVER['QUERY_STRING'] ) ) {
				return Rest_Path::query( wp_unslash( (string) $_SERVER['QUERY_STRING'] ), $without );
			}
		}
		// phpcs:enable
		$plain = array();
		foreach ( $query as $name => $value ) {
			if ( is_array( $value ) && count( $value ) === count( array_filter( $value, 'is_scalar' ) ) ) {
				$value = implode( ',', $value );
			} elseif ( is_bool( $value ) ) {
				$value = $value ? 'true' : 'false';
			}
			$plain[ $name ] = $value;
		}
		return Rest_Path::query( http_build_query( $plain, '', '&', PHP_QUERY_RFC3986 ), $without );
	}

	/**
	 * The body and its type.
	 *
	 * @param \WP_REST_Request $request  Request.
	 * @param bool             $is_outer Whether it is the visitor's own request.
	 * @return string[]
	 */
	private static function body( \WP_REST_Request $request, bool $is_outer ): array {
		if ( in_array( $request->get_method(), array( 'GET', 'HEAD' ), true ) ) {
			return array( '', '' );
		}
		$type = (string) $request->get_header( 'Content-Type' );
		if ( $request->get_file_params() || 0 === strncasecmp( $type, 'multipart/', 10 ) ) {
			return Multipart::of( $request->get_body_params(), $request->get_file_params() );
		}
		$body = null !== self::$taken && isset( self::$taken[ $request ] ) ? self::$taken[ $request ] : (string) $request->get_body();
		if ( $is_outer ) {
			return array( $body, Channel::plain( $type ) );
		}
		$given = '' !== $body && $request->is_json_content_type() ? $request->get_json_params() : null;
		if ( '' !== $body && ( null === $given || json_decode( $body, true ) === $given ) ) {
			return array( $body, Channel::plain( '' === $type ? 'application/json' : $type ) );
		}
		$given = array_merge( $request->get_body_params(), (array) $given );
		return $given ? array( Envelope::encode( $given ), 'application/json' ) : array( '', '' );
	}

	/**
	 * Headers to pass on, credentials aside.
	 *
	 * @param \WP_REST_Request $request  Request.
	 * @param bool             $is_outer Whether it is the visitor's own request.
	 * @return array<string, string>
	 */
	private static function headers( \WP_REST_Request $request, bool $is_outer ): array {
		$headers = array();
		foreach ( $is_outer ? Channel::FORWARDED : self::OF_INNER as $name ) {
			if ( 'Authorization' !== $name && 'X-Learnomy-Authorization' !== $name ) {
				$headers[ $name ] = (string) $request->get_header( $name );
			}
		}
		$headers['X-Request-ID'] = self::request_id( $request, $is_outer );
		return $headers;
	}

	/**
	 * The id of this request.
	 *
	 * @param \WP_REST_Request $request  Request.
	 * @param bool             $is_outer Whether it is the visitor's own request.
	 * @return string
	 */
	public static function request_id( \WP_REST_Request $request, bool $is_outer ): string {
		$asked = $request->get_header( 'X-Request-ID' );
		return ! $is_outer && Envelope::is_sane( $asked ) ? $asked : Envelope::request_id();
	}
}
