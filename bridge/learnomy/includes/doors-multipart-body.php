<?php
/**
 * A body with large files in it, read from disk while it is sent.
 *
 * @package Learnomy
 */

// phpcs:disable WordPress.WP.AlternativeFunctions -- Local files, in pieces.

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Texts and files, one after the other.
 */
final class Multipart_Body {

	/**
	 * Parts: texts, and paths of files as lists of one.
	 *
	 * @var array<int, string|string[]>
	 */
	private $parts;

	/**
	 * What is still to be read: the part at hand, and the file that is open.
	 *
	 * @var int
	 */
	private $at = 0;

	/**
	 * The file that is open.
	 *
	 * @var resource|null
	 */
	private $file;

	/**
	 * What of the text at hand is read.
	 *
	 * @var int
	 */
	private $offset = 0;

	/**
	 * Takes the parts.
	 *
	 * @param array $parts Texts, and paths of files as lists of one.
	 */
	public function __construct( array $parts ) {
		$this->parts = $parts;
	}

	/**
	 * The SHA-256 of a body, in hex.
	 *
	 * @param string|self $body Body.
	 * @return string
	 */
	public static function digest( $body ): string {
		if ( ! $body instanceof self ) {
			return hash( 'sha256', $body );
		}
		$hash = hash_init( 'sha256' );
		foreach ( $body->parts as $part ) {
			if ( is_array( $part ) ) {
				hash_update_file( $hash, $part[0] );
			} else {
				hash_update( $hash, $part );
			}
		}
		return hash_final( $hash );
	}

	/**
	 * Bytes in all.
	 *
	 * @return int
	 */
	public function length(): int {
		$length = 0;
		foreach ( $this->parts as $part ) {
			$length += is_array( $part ) ? (int) filesize( $part[0] ) : strlen( $part );
		}
		return $length;
	}

	/**
	 * Begins again.
	 *
	 * @return void
	 */
	public function rewind(): void {
		if ( null !== $this->file ) {
			fclose( $this->file );
		}
		$this->at     = 0;
		$this->offset = 0;
		$this->file   = null;
	}

	/**
	 * The next bytes, '' at the end.
	 *
	 * @param int $most Bytes at most.
	 * @return string
	 */
	public function read( int $most ): string {
		while ( isset( $this->parts[ $this->at ] ) ) {
			$part  = $this->parts[ $this->at ];
			$piece = is_array( $part ) ? $this->read_file( $part[0], $most ) : (string) substr( $part, $this->offset, $most );
			if ( '' !== $piece ) {
				$this->offset += strlen( $piece );
				return $piece;
			}
			if ( null !== $this->file ) {
				fclose( $this->file );
			}
			$this->file   = null;
			$this->offset = 0;
			++$this->at;
		}
		return '';
	}

	/**
	 * The next bytes of a file.
	 *
	 * @param string $path Path.
	 * @param int    $most Bytes at most.
	 * @return string
	 */
	private function read_file( string $path, int $most ): string {
		if ( null === $this->file ) {
			$opened     = fopen( $path, 'rb' );
			$this->file = false === $opened ? null : $opened;
		}
		return null === $this->file || $most < 1 ? '' : (string) fread( $this->file, $most );
	}

	/**
	 * The whole of it.
	 *
	 * @return string
	 */
	public function __toString(): string {
		$this->rewind();
		$whole = '';
		while ( '' !== ( $piece = $this->read( 1048576 ) ) ) { // phpcs:ignore Generic.CodeAnalysis.AssignmentInCondition, Squiz.PHP.DisallowMultipleAssignments -- Until the end.
			$whole .= $piece;
		}
		return $whole;
	}
}
