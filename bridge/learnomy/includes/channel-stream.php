<?php
/**
 * HTTP over PHP's own streams, where curl is missing.
 *
 * @package Learnomy
 */

// phpcs:disable WordPress.WP.AlternativeFunctions.file_system_operations_fwrite, WordPress.WP.AlternativeFunctions.file_system_operations_fread, WordPress.WP.AlternativeFunctions.file_system_operations_fclose

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * One exchange on a connection of its own.
 */
final class Channel_Stream {

	/**
	 * Sends and waits.
	 *
	 * @param array $exchange Address, method, target, headers, body, connect_ms, total_ms, most_bytes.
	 * @return Channel_Reply
	 */
	public static function exchange( array $exchange ): Channel_Reply {
		$until = microtime( true ) + $exchange['total_ms'] / 1000;
		$error = '';
		// phpcs:ignore WordPress.PHP.NoSilencedErrors -- The failure is answered.
		$stream = @stream_socket_client( self::remote( $exchange['address'] ), $number, $error, $exchange['connect_ms'] / 1000 );
		if ( false === $stream ) {
			return Channel_Reply::failed( 'connect', (string) $error );
		}
		stream_set_blocking( $stream, false );
		$reply = self::send( $stream, self::message( $exchange ), $until ) ? self::receive( $stream, $until, $exchange['most_bytes'] ) : null;
		fclose( $stream );
		return null === $reply ? Channel_Reply::failed( 'timeout', 'The backend did not take the request.' ) : $reply;
	}

	/**
	 * The address as streams write it.
	 *
	 * @param string $address Address.
	 * @return string
	 */
	private static function remote( string $address ): string {
		if ( 0 === strncmp( $address, 'unix:', 5 ) ) {
			return 'unix://' . substr( $address, 5 );
		}
		$parts = wp_parse_url( $address );
		$https = isset( $parts['scheme'] ) && 'https' === $parts['scheme'];
		$port  = isset( $parts['port'] ) ? $parts['port'] : ( $https ? 443 : 80 );
		return ( $https ? 'tls://' : 'tcp://' ) . ( isset( $parts['host'] ) ? $parts['host'] : 'localhost' ) . ':' . $port;
	}

	/**
	 * The whole request.
	 *
	 * @param array $exchange Exchange.
	 * @return string
	 */
	private static function message( array $exchange ): string {
		$host  = 0 === strncmp( $exchange['address'], 'unix:', 5 ) ? 'localhost' : (string) preg_replace( '#^https?://([^/]+).*$#', '$1', $exchange['address'] );
		$lines = array( $exchange['method'] . ' ' . $exchange['target'] . ' HTTP/1.1', 'Host: ' . $host, 'Connection: close', 'Accept: */*' );
		foreach ( $exchange['headers'] as $name => $value ) {
			if ( '' !== $value ) {
				$lines[] = $name . ': ' . $value;
			}
		}
		$body    = (string) $exchange['body'];
		$lines[] = 'Content-Length: ' . strlen( $body );
		return implode( "\r\n", $lines ) . "\r\n\r\n" . $body;
	}

	/**
	 * Writes all of it, in time.
	 *
	 * @param resource $stream  Stream.
	 * @param string   $message Message.
	 * @param float    $until   When patience ends.
	 * @return bool
	 */
	private static function send( $stream, string $message, float $until ): bool {
		$sent = 0;
		while ( $sent < strlen( $message ) ) {
			if ( ! self::wait( $stream, true, $until ) ) {
				return false;
			}
			// phpcs:ignore WordPress.PHP.NoSilencedErrors -- A closed connection is answered.
			$written = @fwrite( $stream, substr( $message, $sent, 65536 ) );
			if ( false === $written || 0 === $written ) {
				return false;
			}
			$sent += $written;
		}
		return true;
	}

	/**
	 * Reads until the reply is whole.
	 *
	 * @param resource $stream Stream.
	 * @param float    $until  When patience ends.
	 * @param int      $most   Bytes.
	 * @return Channel_Reply
	 */
	private static function receive( $stream, float $until, int $most ): Channel_Reply {
		$data = '';
		while ( ! feof( $stream ) ) {
			if ( ! self::wait( $stream, false, $until ) ) {
				return Channel_Reply::failed( 'timeout', 'The backend did not answer in time.' );
			}
			$data .= (string) fread( $stream, 65536 );
			if ( strlen( $data ) > $most + 65536 ) {
				return Channel_Reply::failed( 'garbage', 'The reply is too large.' );
			}
		}
		return self::parse( $data );
	}

	/**
	 * Waits until the stream can be used.
	 *
	 * @param resource $stream   Stream.
	 * @param bool     $to_write Whether to write.
	 * @param float    $until    When patience ends.
	 * @return bool
	 */
	private static function wait( $stream, bool $to_write, float $until ): bool {
		$left = $until - microtime( true );
		if ( $left <= 0 ) {
			return false;
		}
		$read   = $to_write ? null : array( $stream );
		$write  = $to_write ? array( $stream ) : null;
		$except = null;
		return (bool) stream_select( $read, $write, $except, (int) $left, (int) ( fmod( $left, 1 ) * 1000000 ) );
	}

	/**
	 * The reply in what was read.
	 *
	 * @param string $data Data.
	 * @return Channel_Reply
	 */
	private static function parse( string $data ): Channel_Reply {
		$end = strpos( $data, "\r\n\r\n" );
		if ( false === $end || ! preg_match( '#^HTTP/1\.[01] (\d{3})#', $data, $match ) ) {
			return Channel_Reply::failed( 'garbage', 'The reply is not HTTP.' );
		}
		$headers = array();
		foreach ( explode( "\r\n", substr( $data, 0, $end ) ) as $line ) {
			$at = strpos( $line, ':' );
			if ( false !== $at ) {
				$name             = strtolower( trim( substr( $line, 0, $at ) ) );
				$value            = trim( substr( $line, $at + 1 ) );
				$headers[ $name ] = isset( $headers[ $name ] ) ? $headers[ $name ] . ', ' . $value : $value;
			}
		}
		$body = substr( $data, $end + 4 );
		if ( isset( $headers['transfer-encoding'] ) ) {
			$body = self::unchunked( $body );
		} elseif ( isset( $headers['content-length'] ) && strlen( $body ) < (int) $headers['content-length'] ) {
			$body = null;
		}
		if ( null === $body ) {
			return Channel_Reply::failed( 'garbage', 'The reply was cut off.' );
		}
		return Channel_Reply::of( (int) $match[1], $headers, $body );
	}

	/**
	 * A chunked body as one.
	 *
	 * @param string $body Body.
	 * @return string|null
	 */
	private static function unchunked( string $body ): ?string {
		$whole = '';
		while ( preg_match( '/^([0-9a-fA-F]{1,8})[^\r\n]*\r\n/', $body, $match ) ) {
			$size = (int) hexdec( $match[1] );
			if ( 0 === $size ) {
				return $whole;
			}
			$whole .= substr( $body, strlen( $match[0] ), $size );
			$body   = substr( $body, strlen( $match[0] ) + $size + 2 );
		}
		return null;
	}
}
