<?php
/**
 * An upload as one body again: PHP has taken it apart, and its input stream is empty.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Rebuilds multipart/form-data.
 */
final class Multipart {

	/**
	 * Body and content type.
	 *
	 * @param array $fields Fields, without slashes.
	 * @param array $files  Files as PHP lists them.
	 * @return array A string or a Multipart_Body, and a string.
	 */
	public static function of( array $fields, array $files ): array {
		$boundary = 'learnomy-' . bin2hex( random_bytes( 16 ) );
		$parts    = array();
		foreach ( self::flat( $fields ) as $name => $value ) {
			$parts[] = self::head( $boundary, 'name="' . self::quoted( (string) $name ) . '"', '' ) . $value . "\r\n";
		}
		foreach ( $files as $name => $file ) {
			foreach ( self::each_file( (string) $name, $file ) as $one ) {
				if ( UPLOAD_ERR_OK === $one['error'] && is_readable( $one['tmp_name'] ) ) {
					$about   = 'name="' . self::quoted( $one['field'] ) . '"; filename="' . self::quoted( $one['name'] ) . '"';
					$type    = '' === $one['type'] ? 'application/octet-stream' : Channel::plain( $one['type'] );
					$parts[] = self::head( $boundary, $about, $type );
					$parts[] = array( $one['tmp_name'] );
					$parts[] = "\r\n";
				}
			}
		}
		$parts[] = '--' . $boundary . "--\r\n";
		$body    = new Multipart_Body( $parts );
		// A small one is as any other body; a large one is never whole in memory.
		return array( $body->length() > Channel::MOST_BODY ? $body : (string) $body, 'multipart/form-data; boundary=' . $boundary );
	}

	/**
	 * The status of an upload that did not arrive whole: PHP drops such files and says so beside them.
	 *
	 * @param array $files Files as PHP lists them.
	 * @return int 0 where all arrived.
	 */
	public static function refusal( array $files ): int {
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- A number.
		$length = isset( $_SERVER['CONTENT_LENGTH'] ) ? (int) $_SERVER['CONTENT_LENGTH'] : 0;
		if ( ! $files && ! $_POST && $length > wp_convert_hr_to_bytes( (string) ini_get( 'post_max_size' ) ) ) { // phpcs:ignore WordPress.Security.NonceVerification -- Nothing is done with it.
			return 413;
		}
		foreach ( $files as $name => $file ) {
			foreach ( self::each_file( (string) $name, $file ) as $one ) {
				if ( UPLOAD_ERR_INI_SIZE === $one['error'] || UPLOAD_ERR_FORM_SIZE === $one['error'] ) {
					return 413;
				}
				if ( UPLOAD_ERR_OK !== $one['error'] && UPLOAD_ERR_NO_FILE !== $one['error'] ) {
					return UPLOAD_ERR_PARTIAL === $one['error'] ? 400 : 500;
				}
			}
		}
		return 0;
	}

	/**
	 * The head of one part.
	 *
	 * @param string $boundary Boundary.
	 * @param string $about    Disposition.
	 * @param string $type     Content type, '' for none.
	 * @return string
	 */
	private static function head( string $boundary, string $about, string $type ): string {
		$type = '' === $type ? '' : 'Content-Type: ' . $type . "\r\n";
		return '--' . $boundary . "\r\nContent-Disposition: form-data; " . $about . "\r\n" . $type . "\r\n";
	}

	/**
	 * Nested fields by the names that forms give them.
	 *
	 * @param array  $fields Fields.
	 * @param string $prefix Name of the field above.
	 * @return array<string, string>
	 */
	private static function flat( array $fields, string $prefix = '' ): array {
		$flat = array();
		foreach ( $fields as $name => $value ) {
			$name = '' === $prefix ? (string) $name : $prefix . '[' . $name . ']';
			if ( is_array( $value ) ) {
				$flat += self::flat( $value, $name );
			} elseif ( is_scalar( $value ) ) {
				$flat[ $name ] = (string) $value;
			}
		}
		return $flat;
	}

	/**
	 * The files of one field; PHP lists those of `field[]` by their facts.
	 *
	 * @param string $field Field.
	 * @param array  $file  Entry of $_FILES.
	 * @return array[]
	 */
	private static function each_file( string $field, array $file ): array {
		if ( ! is_array( $file['tmp_name'] ) ) {
			return array( array( 'field' => $field ) + $file );
		}
		$found = array();
		foreach ( array_keys( $file['tmp_name'] ) as $key ) {
			$one = array();
			foreach ( array( 'name', 'type', 'tmp_name', 'error' ) as $fact ) {
				$one[ $fact ] = $file[ $fact ][ $key ];
			}
			$found = array_merge( $found, self::each_file( $field . '[' . $key . ']', $one ) );
		}
		return $found;
	}

	/**
	 * A name inside quotes, as browsers write it.
	 *
	 * @param string $name Name.
	 * @return string
	 */
	private static function quoted( string $name ): string {
		return strtr(
			$name,
			array(
				'"'  => '%22',
				"\r" => '%0D',
				"\n" => '%0A',
			)
		);
	}
}
