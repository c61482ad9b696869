<?php
/**
 * Runs the listeners of one hook, each on its own: what one of them throws reaches neither the others nor us.
 *
 * The callbacks are replaced in place on the WP_Hook and core's own do_action() fires them, so priorities,
 * remove_action(), current_filter(), did_action() and the cutting of arguments stay core's.
 *
 * This file alone has no declare( strict_types=1 ): strictness follows the caller, and would turn the
 * coercions that listeners rely on ("5" for an int) into errors.
 *
 * @package Learnomy
 */

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * One callback of a hook, standing where the original stood.
 */
final class Guarded_Listener {

	/**
	 * The guard that put it here.
	 *
	 * @var Listener_Guard
	 */
	public $guard;

	/**
	 * The callback as it was registered.
	 *
	 * @var callable
	 */
	public $original;

	/**
	 * Its place in the order of the hook; -1 when it was added while the hook was firing.
	 *
	 * @var int
	 */
	public $index;

	/**
	 * Remembers the callback and its place.
	 *
	 * @param Listener_Guard $guard    Guard.
	 * @param callable       $original The callback.
	 * @param int            $index    Its place.
	 */
	public function __construct( Listener_Guard $guard, $original, $index ) {
		$this->guard    = $guard;
		$this->original = $original;
		$this->index    = $index;
	}

	/**
	 * Called by WP_Hook with the arguments that the original accepts.
	 *
	 * @param mixed ...$args Arguments.
	 * @return mixed
	 */
	public function __invoke( ...$args ) {
		return $this->guard->call( $this, $args );
	}

	/**
	 * A name an owner can act on: function or method, and file and line for closures.
	 *
	 * @return string
	 */
	public function name() {
		$original = $this->original;
		while ( $original instanceof self ) {
			$original = $original->original;
		}
		if ( is_string( $original ) ) {
			return $original;
		}
		if ( $original instanceof \Closure ) {
			$made = new \ReflectionFunction( $original );
			$file = wp_normalize_path( (string) $made->getFileName() );
			return 'closure in ' . str_replace( wp_normalize_path( WP_CONTENT_DIR ) . '/', '', $file ) . ':' . (int) $made->getStartLine();
		}
		if ( is_array( $original ) && isset( $original[0], $original[1] ) ) {
			return ( is_object( $original[0] ) ? get_class( $original[0] ) : $original[0] ) . '::' . $original[1];
		}
		return is_object( $original ) ? get_class( $original ) : 'unknown';
	}
}

/**
 * Fires one hook with every listener guarded.
 */
final class Listener_Guard {

	/**
	 * Hook name.
	 *
	 * @var string
	 */
	private $hook;

	/**
	 * Asked before each listener, with it; false skips it.
	 *
	 * @var callable
	 */
	private $before;

	/**
	 * Told after each listener, with it and what it threw, or null.
	 *
	 * @var callable
	 */
	private $after;

	/**
	 * Index for the next listener that is wrapped; -1 once the hook is firing.
	 *
	 * @var int
	 */
	private $next = 0;

	/**
	 * Whether a listener is running: then a nested firing of the same hook passes straight through.
	 *
	 * @var bool
	 */
	private $busy = false;

	/**
	 * What stands wrapped: pairs of priority and key.
	 *
	 * @var array
	 */
	private $wrapped = array();

	/**
	 * Prepares the firing of one hook.
	 *
	 * @param string   $hook   Hook name.
	 * @param callable $before Asked before each listener.
	 * @param callable $after  Told after each listener.
	 */
	public function __construct( $hook, $before, $after ) {
		$this->hook   = $hook;
		$this->before = $before;
		$this->after  = $after;
	}

	/**
	 * Fires the hook. Throws only what a callback on the hook `all` throws.
	 *
	 * @param array $args Arguments.
	 */
	public function fire( array $args ) {
		$this->wrap();
		$this->next = -1;
		try {
			do_action( $this->hook, ...$args ); // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals.DynamicHooknameFound -- One of the declared events.
		} finally {
			$this->restore();
		}
	}

	/**
	 * Runs one listener, or leaves it out.
	 *
	 * @param Guarded_Listener $listener Listener.
	 * @param array            $args     Arguments that it accepts.
	 * @return mixed
	 */
	public function call( Guarded_Listener $listener, array $args ) {
		if ( $this->busy ) {
			return call_user_func_array( $listener->original, $args );
		}
		if ( ! call_user_func( $this->before, $listener ) ) {
			return null;
		}
		$this->busy = true;
		$thrown     = null;
		try {
			call_user_func_array( $listener->original, $args );
		} catch ( \Throwable $error ) {
			$thrown = $error;
		}
		$this->busy = false;
		call_user_func( $this->after, $listener, $thrown );
		$this->wrap();
		return null;
	}

	/**
	 * Puts a guard around every callback of the hook that has none of ours yet.
	 */
	private function wrap() {
		global $wp_filter;
		if ( ! isset( $wp_filter[ $this->hook ] ) || ! $wp_filter[ $this->hook ] instanceof \WP_Hook ) {
			return;
		}
		foreach ( $wp_filter[ $this->hook ]->callbacks as $priority => $callbacks ) {
			foreach ( $callbacks as $key => $callback ) {
				if ( $callback['function'] instanceof Guarded_Listener && $callback['function']->guard === $this ) {
					continue;
				}
				$index           = $this->next < 0 ? -1 : $this->next++;
				$this->wrapped[] = array( $priority, $key );
				$wp_filter[ $this->hook ]->callbacks[ $priority ][ $key ]['function'] = new Guarded_Listener( $this, $callback['function'], $index );
			}
		}
	}

	/**
	 * Puts the original callbacks back, but for those that a listener removed meanwhile.
	 */
	public function restore() {
		global $wp_filter;
		foreach ( $this->wrapped as $place ) {
			list( $priority, $key ) = $place;
			if ( ! isset( $wp_filter[ $this->hook ]->callbacks[ $priority ][ $key ] ) ) {
				continue;
			}
			$function = $wp_filter[ $this->hook ]->callbacks[ $priority ][ $key ]['function'];
			if ( $function instanceof Guarded_Listener && $function->guard === $this ) {
				$wp_filter[ $this->hook ]->callbacks[ $priority ][ $key ]['function'] = $function->original;
			}
		}
		$this->wrapped = array();
	}
}
