<?php
/**
 * The places in the backend's HTML that other plugins fill.
 *
 * A marker is a comment with a random token and an index: `<!--learnomy:{token}:{index}-->` of this render, or
 * `<!--learnomy-slot:{token}:{index}-->` of content rendered when it was saved. What belongs into it stands in the list
 * sent beside the HTML, never in the HTML, where users could write it.
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
	 * HTML with its slots filled. A marker that belongs to no slot is dropped.
	 *
	 * @param string  $html  HTML.
	 * @param array[] $slots Slots by index; those of saved content carry their `marker`.
	 * @param string  $token Token of the markers of this render.
	 * @return string
	 */
	public static function fill( string $html, array $slots, string $token ): string {
		$by_marker = array();
		foreach ( array_filter( $slots, 'is_array' ) as $index => $slot ) {
			$marker               = isset( $slot['marker'] ) && is_string( $slot['marker'] ) ? $slot['marker'] : "<!--learnomy:$token:$index-->";
			$by_marker[ $marker ] = $slot;
		}
		$filled = '';
		foreach ( (array) preg_split( '/(<!--learnomy(?:-slot)?:[0-9a-zA-Z]+:\d+-->)/', $html, -1, PREG_SPLIT_DELIM_CAPTURE ) as $place => $piece ) {
			if ( 0 === $place % 2 ) {
				$filled .= self::without_shortcodes( (string) $piece );
			} elseif ( isset( $by_marker[ $piece ] ) ) {
				$filled .= self::content( $by_marker[ $piece ] );
			}
		}
		return $filled;
	}

	/**
	 * What stands in one slot.
	 *
	 * @param array $slot Slot: `hook` and `args`, or the source of a `block` or `shortcode`, or that source in `dynamic` with its `kind`.
	 * @return string
	 */
	private static function content( array $slot ): string {
		if ( isset( $slot['dynamic'], $slot['kind'] ) ) {
			$slot[ 'shortcode' === $slot['kind'] ? 'shortcode' : 'block' ] = $slot['dynamic'];
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
