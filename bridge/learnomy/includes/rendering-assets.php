<?php
/**
 * Styles and modules that rendered HTML needs.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Registers and enqueues our files.
 */
final class Rendering_Assets {

	/**
	 * Registers the callback.
	 */
	public static function init(): void {
		add_action( 'init', array( self::class, 'register' ), 5 );
	}

	/**
	 * Registers the style of all our HTML.
	 */
	public static function register(): void {
		wp_register_style( 'learnomy', plugins_url( 'assets/learnomy.css', LEARNOMY_FILE ), array(), LEARNOMY_BACKEND_VERSION );
		wp_style_add_data( 'learnomy', 'path', LEARNOMY_DIR . '/assets/learnomy.css' );
	}

	/**
	 * Enqueues what an answer named.
	 *
	 * @param array $styles  Handles of ours.
	 * @param array $modules Names of files in assets/modules.
	 */
	public static function enqueue( array $styles, array $modules ): void {
		foreach ( $styles as $style ) {
			if ( 'learnomy' === $style ) {
				wp_enqueue_style( 'learnomy' );
			}
		}
		foreach ( $modules as $module ) {
			if ( is_string( $module ) && 1 === preg_match( '/^[a-z0-9-]+$/', $module ) && is_file( LEARNOMY_DIR . "/assets/modules/$module.js" ) && function_exists( 'wp_enqueue_script_module' ) ) {
				wp_enqueue_script_module( "@learnomy/$module", plugins_url( "assets/modules/$module.js", LEARNOMY_FILE ), array( '@wordpress/interactivity' ), LEARNOMY_BACKEND_VERSION );
			}
		}
	}
}
