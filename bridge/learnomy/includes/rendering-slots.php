<?php
/**
 * The places in the backend's HTML that other plugins fill.
 *
 * A marker is the comment `<!--learnomy:{token}:{index}-->`: the token is that render's own, the index points into the
 * list sent beside the HTML. Names and arguments of hooks never stand in HTML, where users could write them.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Fills slots, after any cache.
 */
final class Rendering_Slots {

	/**
	 * Slots that were filled in this request: each fires once a page.
	 *
	 * @var array<string, true>
	 */
	private static $fired = array();

	/**
	 * HTML with its slots filled.
	 *
	 * @param string  $html  HTML.
	 * @param array[] $slots Slots by index.
	 * @param string  $token Token of the markers.
	 * @return string
	 */
	public static function fill( string $html, array $slots, string $token ): string {
		if ( 1 !== preg_match( '/^[0-9a-zA-Z]{8,64}$/', $token ) ) {
			return self::without_shortcodes( $html );
		}
		$filled = '';
		foreach ( (array) preg_split( '/<!--learnomy:' . $token . ':(\d+)-->/', $html, -1, PREG_SPLIT_DELIM_CAPTURE ) as $place => $piece ) {
			$filled .= 0 === $place % 2 ? self::without_shortcodes( (string) $piece ) : self::content( $slots[ (int) $piece ] ?? null );
		}
		return $filled;
	}

	/**
	 * What stands in one slot.
	 *
	 * @param mixed $slot Slot: `hook` and `args`, or `block` (serialized block markup), or `shortcode`.
	 * @return string
	 */
	private static function content( $slot ): string {
		if ( ! is_array( $slot ) ) {
			return '';
		}
		if ( isset( $slot['block'] ) && is_string( $slot['block'] ) ) {
			return do_blocks( $slot['block'] );
		}
		if ( isset( $slot['shortcode'] ) && is_string( $slot['shortcode'] ) ) {
			return do_shortcode( $slot['shortcode'] );
		}
		return self::printed( (string) ( $slot['hook'] ?? '' ), array_values( (array) ( $slot['args'] ?? array() ) ) );
	}

	/**
	 * What the listeners of a hook print.
	 *
	 * @param string $hook Hook; one of ours.
	 * @param array  $args Arguments.
	 * @return string
	 */
	private static function printed( string $hook, array $args ): string {
		$once = $hook . wp_json_encode( $args );
		if ( 0 !== strpos( $hook, 'learnomy_' ) || ! has_action( $hook ) || isset( self::$fired[ $once ] ) ) {
			return '';
		}
		self::$fired[ $once ] = true;
		$level                = ob_get_level();
		ob_start();
		$guard = new Listener_Guard( $hook, '__return_true', array( self::class, 'report' ) );
		$guard->fire( $args );
		$printed = '';
		while ( ob_get_level() > $level ) {
			$printed = ob_get_clean() . $printed;
		}
		return $printed;
	}

	/**
	 * Reports what a listener threw; the page goes on without it.
	 *
	 * @param Guarded_Listener $listener Listener.
	 * @param \Throwable|null  $thrown   What it threw.
	 * @return void
	 */
	public static function report( Guarded_Listener $listener, $thrown ): void {
		if ( $thrown instanceof \Throwable ) {
			error_log( 'Learnomy: ' . $listener->name() . ' threw ' . get_class( $thrown ) . ': ' . $thrown->getMessage() ); // phpcs:ignore WordPress.PHP.DevelopmentFunctions -- The owner must learn of it.
		}
	}

	/**
	 * HTML in which no square bracket begins a shortcode: post content runs shortcodes after its blocks, and titles and reviews are people's own.
	 *
	 * @param string $html HTML.
	 * @return string
	 */
	private static function without_shortcodes( string $html ): string {
		if ( false === strpos( $html, '[' ) ) {
			return $html;
		}
		$pieces = (array) preg_split( '~(<(?:script|style)\b.*?</(?:script|style)>)~is', $html, -1, PREG_SPLIT_DELIM_CAPTURE );
		foreach ( $pieces as $place => $piece ) {
			if ( 0 === $place % 2 ) {
				$pieces[ $place ] = str_replace( array( '[', ']' ), array( '&#91;', '&#93;' ), (string) $piece );
			}
		}
		return implode( '', $pieces );
	}
}
