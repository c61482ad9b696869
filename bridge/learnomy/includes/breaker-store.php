<?php
/**
 * Where the breaker's state is kept: APCu, else a persistent object cache, else an option.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The state of one address.
 */
final class Breaker_Store {

	const OPTION = 'learnomy_breaker';
	const GROUP  = 'learnomy';
	const KEPT   = 3600;

	/**
	 * Name of the state.
	 *
	 * @var string
	 */
	private $key;

	/**
	 * Names the state.
	 *
	 * @param string $address The backend's address.
	 */
	public function __construct( string $address ) {
		$this->key = 'learnomy_breaker_' . md5( ABSPATH . $address );
	}

	/**
	 * The state; an empty array where nothing happened.
	 *
	 * @return array
	 */
	public function read(): array {
		if ( self::has_apcu() ) {
			$state = apcu_fetch( $this->key );
		} elseif ( wp_using_ext_object_cache() ) {
			$state = wp_cache_get( $this->key, self::GROUP, true );
		} else {
			$stored = get_option( self::OPTION );
			$state  = is_array( $stored ) && isset( $stored['key'], $stored['state'] ) && $stored['key'] === $this->key ? $stored['state'] : array();
		}
		return is_array( $state ) ? $state : array();
	}

	/**
	 * Keeps the state; called only when it changes.
	 *
	 * @param array $state State.
	 */
	public function write( array $state ): void {
		if ( self::has_apcu() ) {
			apcu_store( $this->key, $state, self::KEPT );
			apcu_delete( $this->key . '_probe' );
		} elseif ( wp_using_ext_object_cache() ) {
			wp_cache_set( $this->key, $state, self::GROUP, self::KEPT );
			wp_cache_delete( $this->key . '_probe', self::GROUP );
		} else {
			update_option(
				self::OPTION,
				array(
					'key'   => $this->key,
					'state' => $state,
				),
				true
			);
		}
	}

	/**
	 * Takes the right to try while the breaker is half open: one process has it at a time.
	 *
	 * @param int $seconds For how long.
	 * @return bool
	 */
	public function take_probe( int $seconds ): bool {
		if ( self::has_apcu() ) {
			return apcu_add( $this->key . '_probe', 1, $seconds );
		}
		if ( wp_using_ext_object_cache() ) {
			return wp_cache_add( $this->key . '_probe', 1, self::GROUP, $seconds );
		}
		return $this->move_until( time() + $seconds );
	}

	/**
	 * Moves the end of the open time in the option by compare-and-set, so that others go on waiting.
	 *
	 * @param int $until Unix time.
	 * @return bool Whether this process did it.
	 */
	private function move_until( int $until ): bool {
		global $wpdb;
		$stored = get_option( self::OPTION );
		if ( ! is_array( $stored ) || ! isset( $stored['state'] ) || ! is_array( $stored['state'] ) ) {
			return true;
		}
		$before                   = maybe_serialize( $stored );
		$stored['state']['until'] = $until;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- update_option() cannot compare and set; the cache is dropped below.
		$moved = $wpdb->update(
			$wpdb->options,
			array( 'option_value' => maybe_serialize( $stored ) ),
			array(
				'option_name'  => self::OPTION,
				'option_value' => $before,
			)
		);
		wp_cache_delete( 'alloptions', 'options' );
		wp_cache_delete( self::OPTION, 'options' );
		return 1 === $moved;
	}

	/**
	 * Whether APCu is there for this process.
	 *
	 * @return bool
	 */
	private static function has_apcu(): bool {
		return function_exists( 'apcu_enabled' ) && apcu_enabled();
	}
}
