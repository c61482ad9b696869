<?php
/**
 * HTTP over curl, by TCP or a unix socket. One handle a process keeps its connection.
 *
 * WordPress's own HTTP API knows no unix socket, and may be told to block private hosts.
 *
 * @package Learnomy
 */

// phpcs:disable WordPress.WP.AlternativeFunctions.curl_curl_init, WordPress.WP.AlternativeFunctions.curl_curl_setopt_array, WordPress.WP.AlternativeFunctions.curl_curl_exec, WordPress.WP.AlternativeFunctions.curl_curl_getinfo, WordPress.WP.AlternativeFunctions.curl_curl_errno, WordPress.WP.AlternativeFunctions.curl_curl_error, WordPress.WP.AlternativeFunctions.curl_curl_reset

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * One exchange.
 */
final class Channel_Curl {

	/**
	 * The handle.
	 *
	 * @var \CurlHandle|resource|null
	 */
	private static $handle;

	/**
	 * Sends and waits.
	 *
	 * @param array $exchange Address, method, target, headers, body, connect_ms, total_ms, most_bytes.
	 * @return Channel_Reply
	 */
	public static function exchange( array $exchange ): Channel_Reply {
		if ( null === self::$handle ) {
			self::$handle = curl_init();
		} else {
			curl_reset( self::$handle );
		}
		$socket  = 0 === strncmp( $exchange['address'], 'unix:', 5 ) ? substr( $exchange['address'], 5 ) : '';
		$base    = '' === $socket ? rtrim( $exchange['address'], '/' ) : 'http://localhost';
		$headers = array();
		$body    = '';
		$options = array(
			CURLOPT_URL               => $base . $exchange['target'],
			CURLOPT_CUSTOMREQUEST     => $exchange['method'],
			CURLOPT_HTTPHEADER        => self::lines( $exchange['headers'] ),
			CURLOPT_HTTP_VERSION      => CURL_HTTP_VERSION_1_1,
			CURLOPT_PROTOCOLS         => CURLPROTO_HTTP | CURLPROTO_HTTPS,
			CURLOPT_FOLLOWLOCATION    => false,
			CURLOPT_PATH_AS_IS        => true,
			CURLOPT_PROXY             => '',
			CURLOPT_NOSIGNAL          => true,
			CURLOPT_CONNECTTIMEOUT_MS => $exchange['connect_ms'],
			CURLOPT_TIMEOUT_MS        => $exchange['total_ms'],
			CURLOPT_HEADERFUNCTION    => static function ( $handle, string $line ) use ( &$headers ): int {
				if ( 0 === strncmp( $line, 'HTTP/', 5 ) ) {
					$headers = array();
				}
				$at = strpos( $line, ':' );
				if ( false !== $at ) {
					$name             = strtolower( trim( substr( $line, 0, $at ) ) );
					$value            = trim( substr( $line, $at + 1 ) );
					$headers[ $name ] = isset( $headers[ $name ] ) ? $headers[ $name ] . ', ' . $value : $value;
				}
				return strlen( $line );
			},
			CURLOPT_WRITEFUNCTION     => static function ( $handle, string $piece ) use ( &$body, $exchange ): int {
				$body .= $piece;
				return strlen( $body ) > $exchange['most_bytes'] ? 0 : strlen( $piece );
			},
		);
		if ( '' !== $socket ) {
			$options[ CURLOPT_UNIX_SOCKET_PATH ] = $socket;
		}
		if ( $exchange['body'] instanceof Multipart_Body ) {
			$options += self::streamed( $exchange['body'] );
		} elseif ( '' !== $exchange['body'] || ! in_array( $exchange['method'], array( 'GET', 'HEAD', 'OPTIONS' ), true ) ) {
			$options[ CURLOPT_POSTFIELDS ] = $exchange['body'];
		}
		curl_setopt_array( self::$handle, $options );
		$done   = curl_exec( self::$handle );
		$status = (int) curl_getinfo( self::$handle, CURLINFO_RESPONSE_CODE );
		if ( false === $done ) {
			return self::failure( strlen( $body ) > $exchange['most_bytes'] );
		}
		return Channel_Reply::of( $status, $headers, $body );
	}

	/**
	 * Options that read a large body from disk while it is sent.
	 *
	 * @param Multipart_Body $body Body.
	 * @return array
	 */
	private static function streamed( Multipart_Body $body ): array {
		$body->rewind();
		return array(
			CURLOPT_UPLOAD       => true,
			CURLOPT_INFILESIZE   => $body->length(),
			CURLOPT_READFUNCTION => static function ( $handle, $file, int $most ) use ( $body ): string {
				return $body->read( $most );
			},
		);
	}

	/**
	 * Header lines. An empty Content-Type is sent as none, else curl would name one of its own.
	 *
	 * @param array<string, string> $headers Headers.
	 * @return string[]
	 */
	private static function lines( array $headers ): array {
		$lines = array( 'Expect:', 'Accept: */*' );
		foreach ( $headers as $name => $value ) {
			if ( '' !== $value || 'Content-Type' === $name ) {
				$lines[] = '' === $value ? $name . ':' : $name . ': ' . $value;
			}
		}
		if ( ! isset( $headers['User-Agent'] ) ) {
			$lines[] = 'User-Agent:';
		}
		return $lines;
	}

	/**
	 * Why there was no reply.
	 *
	 * @param bool $is_too_large Whether it was cut because of its size.
	 * @return Channel_Reply
	 */
	private static function failure( bool $is_too_large ): Channel_Reply {
		$number      = curl_errno( self::$handle );
		$explanation = curl_error( self::$handle );
		$connected   = curl_getinfo( self::$handle, CURLINFO_CONNECT_TIME ) > 0;
		if ( $is_too_large ) {
			return Channel_Reply::failed( 'garbage', 'The reply is too large.' );
		}
		if ( CURLE_OPERATION_TIMEDOUT === $number ) {
			return Channel_Reply::failed( $connected ? 'timeout' : 'connect', $explanation );
		}
		if ( CURLE_COULDNT_CONNECT === $number || CURLE_COULDNT_RESOLVE_HOST === $number ) {
			return Channel_Reply::failed( 'connect', $explanation );
		}
		return Channel_Reply::failed( 'garbage', $explanation );
	}
}
