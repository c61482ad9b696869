<?php
/**
 * The circuit breaker: while the backend does not answer, requests are refused at once instead of waiting.
 *
 * After a few failures in a row it is open for some seconds. Then one request at a time tries; the first that
 * succeeds closes it.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The breaker of one address, shared by all processes.
 */
final class Breaker {

	const FAILURES       = 3;
	const FIRST_SECONDS  = 3;
	const MOST_SECONDS   = 30;
	const PROBE_SECONDS  = 3;
	const FAILURE_WINDOW = 60;

	/**
	 * Where the state is kept.
	 *
	 * @var Breaker_Store
	 */
	private $store;

	/**
	 * The state as this request found it.
	 *
	 * @var array{fails: int, until: int, seconds: int, at: int}
	 */
	private $state;

	/**
	 * Reads the state.
	 *
	 * @param string $address The backend's address.
	 */
	public function __construct( string $address ) {
		$this->store = new Breaker_Store( $address );
		$this->state = array_merge(
			array(
				'fails'   => 0,
				'until'   => 0,
				'seconds' => 0,
				'at'      => 0,
			),
			array_map( 'intval', $this->store->read() )
		);
	}

	/**
	 * Whether a request may be sent now. While half open, the request that is told so is the probe.
	 *
	 * @return bool
	 */
	public function allows(): bool {
		if ( ! $this->is_open() ) {
			return true;
		}
		return time() >= $this->state['until'] && $this->store->take_probe( self::PROBE_SECONDS );
	}

	/**
	 * Whether it is open or half open.
	 *
	 * @return bool
	 */
	public function is_open(): bool {
		return $this->state['fails'] >= self::FAILURES;
	}

	/**
	 * Seconds after which a caller may try again.
	 *
	 * @return int
	 */
	public function retry_after(): int {
		return max( 1, $this->is_open() ? $this->state['until'] - time() : self::FIRST_SECONDS );
	}

	/**
	 * A request was answered.
	 */
	public function success(): void {
		if ( 0 !== $this->state['fails'] ) {
			$this->state = array_fill_keys( array( 'fails', 'until', 'seconds', 'at' ), 0 );
			$this->store->write( $this->state );
		}
	}

	/**
	 * A request was not answered.
	 */
	public function failure(): void {
		$now     = time();
		$state   = $this->state;
		$current = array_merge( $state, array_map( 'intval', $this->store->read() ) );
		if ( $current['fails'] >= self::FAILURES && $current['until'] > $now ) {
			return; // Another process opened it meanwhile.
		}
		$in_a_row          = $now - $current['at'] <= self::FAILURE_WINDOW || $current['fails'] >= self::FAILURES;
		$current['fails']  = min( self::FAILURES, ( $in_a_row ? $current['fails'] : 0 ) + 1 );
		$current['at']     = $now;
		if ( $current['fails'] >= self::FAILURES ) {
			$current['seconds'] = $current['seconds'] > 0 ? min( self::MOST_SECONDS, 2 * $current['seconds'] ) : self::FIRST_SECONDS;
			$current['until']   = $now + $current['seconds'];
		}
		$this->state = $current;
		$this->store->write( $current );
	}
}
