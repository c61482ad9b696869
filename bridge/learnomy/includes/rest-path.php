<?php
/**
 * REST paths: whether a request is for the REST API, and how a path is written to the backend.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Reads addresses before WordPress has parsed them.
 */
final class Rest_Path {

	/**
	 * Parameters of WordPress's own, which are no part of a request to the backend.
	 */
	const OF_WORDPRESS = array( 'rest_route', '_method', '_wpnonce', '_envelope', '_embed', '_jsonp' );

	/**
	 * The REST route that this request asks for, by the look of its address alone.
	 *
	 * @return string '' where it is none.
	 */
	public static function asked(): string {
		// phpcs:disable WordPress.Security.ValidatedSanitizedInput, WordPress.Security.NonceVerification -- Only compared and matched.
		foreach ( array( $_POST, $_GET ) as $given ) {
			if ( isset( $given['rest_route'] ) && is_string( $given['rest_route'] ) && '' !== $given['rest_route'] ) {
				return '/' . ltrim( rtrim( $given['rest_route'], '/' ), '/' );
			}
		}
		$uri = isset( $_SERVER['REQUEST_URI'] ) && is_string( $_SERVER['REQUEST_URI'] ) ? $_SERVER['REQUEST_URI'] : '';
		// phpcs:enable
		return self::of_uri( $uri );
	}

	/**
	 * The REST route in a pretty address.
	 *
	 * @param string $uri Request URI.
	 * @return string '' where it is none.
	 */
	public static function of_uri( string $uri ): string {
		$path = (string) strtok( $uri, '?' );
		$home = rtrim( (string) preg_replace( '#^[a-z]+://[^/]*#i', '', (string) get_option( 'home' ) ), '/' );
		if ( '' !== $home && 0 !== strncmp( $path, $home . '/', strlen( $home ) + 1 ) ) {
			return '';
		}
		$path   = substr( $path, strlen( $home ) );
		$prefix = trim( Bridge_Options::get( 'rest_prefix' ), '/' );
		foreach ( array( '/' . $prefix . '/', '/index.php/' . $prefix . '/' ) as $start ) {
			if ( 0 === strncmp( $path, $start, strlen( $start ) ) ) {
				return '/' . rtrim( substr( $path, strlen( $start ) ), '/' );
			}
		}
		return '';
	}

	/**
	 * Whether a route is one of ours.
	 *
	 * @param string $route Route.
	 * @return bool
	 */
	public static function is_ours( string $route ): bool {
		return 1 === preg_match( '#^/learnomy(?:-pro)?/v1(?:/|$)#i', $route );
	}

	/**
	 * The one spelling of a path that both sides sign; null where it has none.
	 *
	 * @param string $path Path, percent-encoded or not.
	 * @return string|null
	 */
	public static function canonical( string $path ): ?string {
		$segments = array();
		foreach ( explode( '/', ltrim( $path, '/' ) ) as $segment ) {
			$plain = rawurldecode( $segment );
			if ( '' === $plain || '.' === $plain || '..' === $plain || preg_match( '#[/%\x00-\x1f\x7f]#', $plain ) ) {
				return null;
			}
			$segments[] = preg_replace_callback(
				'#[^A-Za-z0-9_.~:@!$&\'()*+,;=-]#',
				static function ( array $match ): string {
					return rawurlencode( $match[0] );
				},
				$plain
			);
		}
		return '/' . implode( '/', $segments );
	}

	/**
	 * A query string without WordPress's own parameters and without bytes that servers refuse.
	 *
	 * @param string   $query   Query string as it was sent.
	 * @param string[] $without Further names to leave out.
	 * @return string
	 */
	public static function query( string $query, array $without = array() ): string {
		$without = array_merge( self::OF_WORDPRESS, $without );
		$kept    = array();
		foreach ( explode( '&', $query ) as $pair ) {
			$name = urldecode( (string) strtok( $pair, '=' ) );
			if ( '' !== $pair && ! in_array( $name, $without, true ) ) {
				$kept[] = $pair;
			}
		}
		return (string) preg_replace_callback(
			'/[^\x21-\x7e]|["#<>\\\\^`{|}]/',
			static function ( array $match ): string {
				return rawurlencode( $match[0] );
			},
			implode( '&', $kept )
		);
	}

	/**
	 * The method that counts, as WordPress finds it: `_method` of the address, else the override header.
	 *
	 * @return string
	 */
	public static function method(): string {
		// phpcs:disable WordPress.Security.ValidatedSanitizedInput, WordPress.Security.NonceVerification -- Only a known method is used.
		$method = $_SERVER['REQUEST_METHOD'] ?? 'GET';
		if ( isset( $_GET['_method'] ) ) {
			$method = $_GET['_method'];
		} elseif ( isset( $_SERVER['HTTP_X_HTTP_METHOD_OVERRIDE'] ) ) {
			$method = $_SERVER['HTTP_X_HTTP_METHOD_OVERRIDE'];
		}
		// phpcs:enable
		return is_string( $method ) ? strtoupper( $method ) : '';
	}
}
