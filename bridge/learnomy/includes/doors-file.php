<?php
/**
 * A file from the backend: it comes in signed pieces, and goes to the visitor one after the other.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * One download.
 */
final class Doors_File {

	/**
	 * The request that asked for it.
	 *
	 * @var array
	 */
	private $message;

	/**
	 * The reply with the first piece.
	 *
	 * @var Channel_Reply
	 */
	private $first;

	/**
	 * Takes over a request and the reply to it.
	 *
	 * @param array         $message Facts of the channel.
	 * @param Channel_Reply $first   Reply.
	 */
	public function __construct( array $message, Channel_Reply $first ) {
		$this->message = $message;
		$this->first   = $first;
	}

	/**
	 * Whether a reply is the beginning of a file.
	 *
	 * @param Channel_Reply $reply Reply.
	 * @return bool
	 */
	public static function begins( Channel_Reply $reply ): bool {
		return '' !== $reply->header( 'x-learnomy-length' );
	}

	/**
	 * Bytes of all pieces together.
	 *
	 * @return int
	 */
	public function length(): int {
		return (int) $this->first->header( 'x-learnomy-length' );
	}

	/**
	 * The pieces in order. They end early where one cannot be had: the visitor then gets less than was announced.
	 *
	 * @return \Generator
	 */
	public function pieces(): \Generator {
		$reply = $this->first;
		$etag  = $reply->header( 'etag' );
		yield $reply->body;
		while ( '' !== $reply->header( 'x-learnomy-more' ) ) {
			$message = $this->message;
			unset( $message['until_ms'], $message['headers']['If-None-Match'] );
			$message['headers']['Range']    = 'bytes=' . $reply->header( 'x-learnomy-more' );
			$message['headers']['If-Range'] = $etag;
			$reply                          = Channel::request( $message );
			if ( '' !== $reply->failure || 206 !== $reply->status || 'answer' !== $reply->control() ) {
				return;
			}
			yield $reply->body;
		}
	}

	/**
	 * Everything, for callers inside WordPress.
	 *
	 * @return string
	 */
	public function bytes(): string {
		return implode( '', iterator_to_array( $this->pieces(), false ) );
	}

	/**
	 * Sends it to the visitor; the status and the other headers are sent already.
	 *
	 * @param bool $has_body Whether more than the length is wanted.
	 * @return void
	 */
	public function send( bool $has_body ): void {
		while ( ob_get_level() > 0 && ob_end_clean() ) {
			continue; // No listener's print, and no compression, belongs into a file.
		}
		if ( function_exists( 'set_time_limit' ) ) {
			set_time_limit( 0 );
		}
		if ( ! ini_get( 'zlib.output_compression' ) ) {
			header( 'Content-Length: ' . $this->length() );
		}
		if ( ! $has_body ) {
			return;
		}
		foreach ( $this->pieces() as $piece ) {
			echo $piece; // phpcs:ignore WordPress.Security.EscapeOutput -- A file's bytes, sent as an attachment.
			flush();
			if ( connection_aborted() ) {
				return;
			}
		}
	}
}
