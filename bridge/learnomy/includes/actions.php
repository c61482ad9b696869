<?php
/**
 * Fires the actions that the backend committed to the outbox: exactly once, after the commit, in order per aggregate.
 *
 * Four callers: the request that wrote the rows, a signed call of the backend's drain, the end of any full
 * WordPress request, and WP-Cron. All of them claim rows the same way; the row is the only memory.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Entry points of the firing.
 */
final class Actions {

	const CRON_HOOK     = 'learnomy_pull_outbox';
	const PULL_ROWS     = 10;
	const CRON_ROWS     = 200;
	const PULL_SECONDS  = 5.0;
	const CRON_SECONDS  = 25.0;
	const MOST_IN_CHAIN = 100;

	/**
	 * Claims to fire once the answer is sent: pairs of blog and token.
	 *
	 * @var array[]
	 */
	private static $deferred = array();

	/**
	 * Claims being fired in this process, for the case that a listener ends it.
	 *
	 * @var array[]
	 */
	private static $active = array();

	/**
	 * Nonce of the backend's call that is being answered.
	 *
	 * @var string
	 */
	private static $call = '';

	/**
	 * Registers the pullers.
	 */
	public static function init(): void {
		add_action( 'shutdown', array( Actions_Relay::class, 'restore_headers' ), PHP_INT_MIN );
		add_action( 'shutdown', array( self::class, 'on_shutdown' ), PHP_INT_MAX );
		add_action( self::CRON_HOOK, array( self::class, 'on_cron' ) );
		add_action( 'init', array( self::class, 'schedule' ) );
		add_filter( 'cron_schedules', array( self::class, 'add_minute' ) ); // phpcs:ignore WordPress.WP.CronInterval -- One indexed read a minute.
	}

	/**
	 * Fires the rows of one claim now.
	 *
	 * @param string $token Claim token.
	 * @return array{done: int[], skipped: int[], failed: int[]}
	 */
	public static function fire_token( string $token ): array {
		$report = array(
			'done'    => array(),
			'skipped' => array(),
			'failed'  => array(),
		);
		if ( 1 !== preg_match( '/^[0-9a-f]{32}$/', $token ) ) {
			return $report;
		}
		self::$active[] = array( get_current_blog_id(), $token );
		$outbox         = new Outbox();
		$rows           = $outbox->claimed( $token );
		$stuck          = array();
		$fired          = 0;
		while ( $rows && $fired++ < self::MOST_IN_CHAIN ) {
			$row       = array_shift( $rows );
			$aggregate = (string) $row['aggregate'];
			if ( isset( $stuck[ $aggregate ] ) ) {
				$outbox->release( (int) $row['id'], $token, (int) $row['cursor_position'], (string) $row['note'] );
				continue;
			}
			$state             = ( new Firing( $row, $outbox ) )->run();
			$report[ $state ][] = (int) $row['id'];
			if ( 'failed' === $state ) {
				$stuck[ $aggregate ] = true;
				continue;
			}
			// Rows of the aggregate that waited for this one.
			$next = $outbox->next_of( $aggregate );
			if ( $next && $outbox->claim( $next, $token ) ) {
				$rows = $outbox->claimed( $token );
			}
		}
		array_pop( self::$active );
		return $report;
	}

	/**
	 * Fires the rows of one claim after the answer is sent.
	 *
	 * @param string $token Claim token.
	 */
	public static function defer_token( string $token ): void {
		self::$deferred[] = array( get_current_blog_id(), $token );
	}

	/**
	 * Answers the backend's signed call `fire`.
	 *
	 * @param array $payload Token of the claim, and its ids.
	 * @return array{done: int[], skipped: int[], failed: int[]}
	 */
	public static function answer_fire( array $payload ): array {
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Verified with the call's signature.
		self::$call = (string) ( $_SERVER['HTTP_X_LEARNOMY_NONCE'] ?? '' );
		$report     = self::fire_token( isset( $payload['token'] ) && is_string( $payload['token'] ) ? $payload['token'] : '' );
		self::$call = '';
		return $report;
	}

	/**
	 * Answers the backend's call after a listener ended the process in which it was served.
	 *
	 * @param array $report What was fired since.
	 */
	private static function answer_late( array $report ): void {
		if ( '' === self::$call || headers_sent() ) {
			return;
		}
		$body = Envelope::encode( array( 'data' => $report ) );
		$sign = Channel_Keys::sign( 'reply', array( Channel_Keys::PROTOCOL, 'reply', self::$call, '200', hash( 'sha256', $body ) ) );
		status_header( 200 );
		header( 'Content-Type: ' . Envelope::JSON );
		header( 'X-Learnomy-Response-Signature: ' . $sign );
		echo $body; // phpcs:ignore WordPress.Security.EscapeOutput -- JSON.
	}

	/**
	 * Claims and fires what is due on this blog.
	 *
	 * @param int   $most    Rows.
	 * @param float $seconds After so long no further row is begun.
	 * @return int Rows fired.
	 */
	public static function pull( int $most, float $seconds ): int {
		$until  = microtime( true ) + $seconds;
		$ids    = Outbox::open_ids( $most );
		$outbox = $ids ? new Outbox() : null;
		$fired  = 0;
		foreach ( $ids as $id ) {
			if ( microtime( true ) > $until ) {
				break;
			}
			$token = bin2hex( random_bytes( 16 ) );
			if ( $outbox->claim( $id, $token ) ) {
				$report = self::fire_token( $token );
				$fired += count( $report['done'] ) + count( $report['skipped'] );
			}
		}
		return $fired;
	}

	/**
	 * Goes on with the claims of this process after a listener ended it.
	 *
	 * @param int[] $ids Rows that were being fired, outermost first.
	 */
	public static function resume( array $ids ): void {
		$claims       = self::$active;
		self::$active = array();
		while ( $claims ) {
			list( $blog, $token ) = array_pop( $claims );
			$switched             = self::switch_blog( $blog );
			$outbox               = new Outbox();
			$id                   = array_pop( $ids );
			if ( null !== $id ) {
				$outbox->claim( $id, $token );
			}
			// Those still to come go on should the next listener end the process once more.
			self::$active = $claims;
			$report       = self::fire_token( $token );
			self::$active = array();
			if ( $switched ) {
				restore_current_blog();
			}
		}
		self::answer_late( $report ?? array() );
	}

	/**
	 * Leaves the claims of this process to others, as it cannot go on.
	 */
	public static function give_up(): void {
		while ( self::$active ) {
			list( $blog, $token ) = array_pop( self::$active );
			$switched             = self::switch_blog( $blog );
			$outbox               = new Outbox();
			foreach ( $outbox->claimed( $token ) as $row ) {
				$outbox->release( (int) $row['id'], $token, (int) $row['cursor_position'], (string) $row['note'] );
			}
			if ( $switched ) {
				restore_current_blog();
			}
		}
	}

	/**
	 * Sees, as the request ends, whether there is anything to fire; if so, it is done last of all.
	 */
	public static function on_shutdown(): void {
		if ( self::$deferred || ( self::may_pull() && Outbox::open_ids( 1 ) ) ) {
			register_shutdown_function( array( self::class, 'after_answer' ) );
		}
	}

	/**
	 * Sends the answer, then fires what this request wrote and what else is due.
	 */
	public static function after_answer(): void {
		self::send_answer();
		while ( self::$deferred ) {
			list( $blog, $token ) = array_shift( self::$deferred );
			$switched             = self::switch_blog( $blog );
			self::fire_token( $token );
			if ( $switched ) {
				restore_current_blog();
			}
		}
		if ( self::may_pull() ) {
			self::pull( self::PULL_ROWS, self::PULL_SECONDS );
		}
	}

	/**
	 * Fires what is due, from WP-Cron.
	 */
	public static function on_cron(): void {
		self::pull( self::CRON_ROWS, self::CRON_SECONDS );
	}

	/**
	 * Keeps the cron event scheduled.
	 */
	public static function schedule(): void {
		if ( ! wp_next_scheduled( self::CRON_HOOK ) ) {
			wp_schedule_event( time() + MINUTE_IN_SECONDS, 'learnomy_minute', self::CRON_HOOK );
		}
	}

	/**
	 * Adds the interval of the cron event.
	 *
	 * @param array $schedules Schedules.
	 * @return array
	 */
	public static function add_minute( $schedules ): array {
		$schedules                    = (array) $schedules;
		$schedules['learnomy_minute'] = array(
			'interval' => MINUTE_IN_SECONDS,
			'display'  => __( 'Every minute (Learnomy)', 'learnomy' ),
		);
		return $schedules;
	}

	/**
	 * Whether this site has an outbox to look into, and WordPress is whole: a request may end at the early door, before the plugins that listen are there.
	 *
	 * @return bool
	 */
	private static function may_pull(): bool {
		return ! wp_installing() && did_action( 'wp_loaded' ) && Bridge_Options::is_paired();
	}

	/**
	 * Hands the answer to the visitor, where the server can let PHP go on after it.
	 */
	private static function send_answer(): void {
		if ( PHP_SESSION_ACTIVE === session_status() ) {
			session_write_close();
		}
		wp_ob_end_flush_all();
		if ( function_exists( 'fastcgi_finish_request' ) ) {
			fastcgi_finish_request();
		} elseif ( function_exists( 'litespeed_finish_request' ) ) {
			litespeed_finish_request();
		} else {
			flush();
		}
	}

	/**
	 * Goes to a blog of the network.
	 *
	 * @param int $blog Blog id.
	 * @return bool Whether it was another one.
	 */
	private static function switch_blog( int $blog ): bool {
		return is_multisite() && get_current_blog_id() !== $blog && switch_to_blog( $blog );
	}
}
