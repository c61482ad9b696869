<?php
/**
 * What came back from the backend.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * A verified reply, or the reason why there is none.
 */
final class Channel_Reply {

	/**
	 * Why there is no reply: '', unpaired, open, connect, timeout, garbage or refused.
	 *
	 * @var string
	 */
	public $failure = '';

	/**
	 * What happened, for a person.
	 *
	 * @var string
	 */
	public $explanation = '';

	/**
	 * HTTP status.
	 *
	 * @var int
	 */
	public $status = 0;

	/**
	 * Headers by lower-case name.
	 *
	 * @var array<string, string>
	 */
	public $headers = array();

	/**
	 * Body.
	 *
	 * @var string
	 */
	public $body = '';

	/**
	 * A reply that came from the wire.
	 *
	 * @param int                   $status  Status.
	 * @param array<string, string> $headers Headers.
	 * @param string                $body    Body.
	 * @return self
	 */
	public static function of( int $status, array $headers, string $body ): self {
		$reply          = new self();
		$reply->status  = $status;
		$reply->headers = $headers;
		$reply->body    = $body;
		return $reply;
	}

	/**
	 * No reply.
	 *
	 * @param string $failure     Reason.
	 * @param string $explanation What happened.
	 * @return self
	 */
	public static function failed( string $failure, string $explanation ): self {
		$reply              = new self();
		$reply->failure     = $failure;
		$reply->explanation = $explanation;
		return $reply;
	}

	/**
	 * One header.
	 *
	 * @param string $name Lower-case name.
	 * @return string
	 */
	public function header( string $name ): string {
		return isset( $this->headers[ $name ] ) ? $this->headers[ $name ] : '';
	}

	/**
	 * What to do with it: answer, handover, ask or effect.
	 *
	 * @return string
	 */
	public function control(): string {
		return $this->header( 'x-learnomy-control' );
	}

	/**
	 * The claim of the actions that this request wrote.
	 *
	 * @return string
	 */
	public function fire_token(): string {
		return $this->header( 'x-learnomy-fire' );
	}

	/**
	 * The body as arrays, or null.
	 *
	 * @return array|null
	 */
	public function json(): ?array {
		$value = json_decode( $this->body, true );
		return is_array( $value ) ? $value : null;
	}

	/**
	 * The headers that go on to the caller.
	 *
	 * @return array<string, string>
	 */
	public function caller_headers(): array {
		static $allowed = array(
			'content-type'         => 'Content-Type',
			'location'             => 'Location',
			'etag'                 => 'ETag',
			'cache-control'        => 'Cache-Control',
			'vary'                 => 'Vary',
			'retry-after'          => 'Retry-After',
			'ratelimit-limit'      => 'RateLimit-Limit',
			'ratelimit-remaining'  => 'RateLimit-Remaining',
			'ratelimit-reset'      => 'RateLimit-Reset',
			'x-request-id'         => 'X-Request-ID',
			'idempotency-replayed' => 'Idempotency-Replayed',
			'www-authenticate'     => 'WWW-Authenticate',
			'link'                 => 'Link',
			'x-wp-total'           => 'X-WP-Total',
			'x-wp-totalpages'      => 'X-WP-TotalPages',
			'allow'                => 'Allow',
			'content-disposition'  => 'Content-Disposition',
			'content-range'        => 'Content-Range',
			'accept-ranges'        => 'Accept-Ranges',
			'last-modified'        => 'Last-Modified',
			// phpcs:ignore WordPress.Arrays.MultipleStatementAlignment -- A long name.
			'content-security-policy' => 'Content-Security-Policy',
		);
		$kept           = array();
		foreach ( $this->headers as $name => $value ) {
			if ( isset( $allowed[ $name ] ) ) {
				$kept[ $allowed[ $name ] ] = $value;
			}
		}
		return $kept;
	}
}
