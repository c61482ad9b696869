<?php
/**
 * SEO plugins on our pages: they know no post there and would describe the blog's home, so they stand aside.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Known by their constants; silenced by their own documented switches, on our routes only.
 */
final class Page_Seo {

	/**
	 * Registers the callback.
	 */
	public static function init(): void {
		add_action( 'template_redirect', array( self::class, 'stand_aside' ), 0 );
	}

	/**
	 * Asks the SEO plugin that is there to leave the head of this page to us.
	 */
	public static function stand_aside(): void {
		if ( '' === Pages::route() ) {
			return;
		}
		if ( defined( 'WPSEO_VERSION' ) ) {
			add_filter( 'wpseo_frontend_presenters', '__return_empty_array', PHP_INT_MAX );
			add_filter( 'wpseo_title', '__return_empty_string', PHP_INT_MAX );
			self::take_off( 'pre_get_document_title', 'Yoast\\' );
		}
		if ( defined( 'RANK_MATH_VERSION' ) ) {
			add_action(
				'wp_head',
				static function (): void {
					remove_all_actions( 'rank_math/head' );
				},
				0
			);
			add_filter( 'rank_math/frontend/remove_credit_notice', '__return_true' );
			self::take_off( 'pre_get_document_title', 'RankMath\\' );
		}
		if ( defined( 'AIOSEO_VERSION' ) ) {
			add_filter( 'aioseo_disable', '__return_true' );
			self::take_off( 'pre_get_document_title', 'AIOSEO\\' );
		}
		if ( defined( 'SEOPRESS_VERSION' ) ) {
			self::take_off( 'pre_get_document_title', 'seopress_' );
			self::take_off( 'wp_head', 'seopress_' );
		}
		if ( defined( 'THE_SEO_FRAMEWORK_VERSION' ) ) {
			add_filter( 'the_seo_framework_query_supports_seo', '__return_false' );
		}
		if ( defined( 'SLIM_SEO_VER' ) ) {
			self::take_off( 'pre_get_document_title', 'SlimSEO\\' );
			self::take_off( 'wp_head', 'SlimSEO\\' );
		}
	}

	/**
	 * Takes the callbacks of one plugin off a hook.
	 *
	 * @param string $hook   Hook.
	 * @param string $prefix What the class or function begins with.
	 */
	private static function take_off( string $hook, string $prefix ): void {
		global $wp_filter;
		if ( ! isset( $wp_filter[ $hook ] ) ) {
			return;
		}
		foreach ( $wp_filter[ $hook ]->callbacks as $priority => $callbacks ) {
			foreach ( $callbacks as $callback ) {
				$function = $callback['function'];
				$owner    = is_array( $function ) ? $function[0] : $function;
				$name     = is_object( $owner ) ? get_class( $owner ) : ( is_string( $owner ) ? $owner : '' );
				if ( 0 === strpos( $name, $prefix ) ) {
					remove_filter( $hook, $function, (int) $priority );
				}
			}
		}
	}
}
