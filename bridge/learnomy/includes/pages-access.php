<?php
/**
 * The private academy: whether this visitor may see the catalogue and course pages at all.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Asks the filters that community plugins answer.
 */
final class Page_Access {

	/**
	 * Registers the callback.
	 */
	public static function init(): void {
		add_action( 'template_redirect', array( self::class, 'guard' ), 5 );
	}

	/**
	 * Whether the current visitor may see content of the academy.
	 *
	 * The second filter is asked only where the first asks for a login: some answer it without looking at their own switch.
	 *
	 * @return bool
	 */
	public static function is_allowed(): bool {
		$settings = get_option( 'learnomy_settings' );
		$private  = is_array( $settings ) && ! empty( $settings['require_login_for_content'] );
		/**
		 * Filters whether guests get no catalogue, category pages and courses.
		 *
		 * @param bool $private The owner's setting.
		 */
		if ( ! apply_filters( 'learnomy_require_login_for_content', $private ) ) {
			return true;
		}
		$user_id = get_current_user_id();
		/**
		 * Filters whether a user may see content of an academy that asks for a login.
		 *
		 * @param bool $allowed Whether somebody is logged in.
		 * @param int  $user_id User id; 0 for a guest.
		 */
		return (bool) apply_filters( 'learnomy_content_can_access', $user_id > 0, $user_id );
	}

	/**
	 * Sends guests of a private academy to the login, and tells others that the page is not for them.
	 */
	public static function guard(): void {
		if ( '' === Pages::route() || self::is_allowed() ) {
			return;
		}
		nocache_headers();
		if ( ! is_user_logged_in() ) {
			wp_safe_redirect( wp_login_url( home_url( self::here() ) ) );
			exit;
		}
		wp_die(
			esc_html__( 'These courses are not open to you.', 'learnomy' ),
			esc_html__( 'Not allowed', 'learnomy' ),
			array(
				'response'  => 403,
				'back_link' => true,
			)
		);
	}

	/**
	 * What stands in place of a block in a private academy.
	 *
	 * @return string
	 */
	public static function notice(): string {
		if ( is_user_logged_in() ) {
			return '<div class="learnomy-notice" role="note"><p>' . esc_html__( 'These courses are not open to you.', 'learnomy' ) . '</p></div>';
		}
		return '<div class="learnomy-notice" role="note"><p>' . esc_html__( 'Please log in to see the courses.', 'learnomy' )
			. ' <a href="' . esc_url( wp_login_url( home_url( self::here() ) ) ) . '">' . esc_html__( 'Log in', 'learnomy' ) . '</a></p></div>';
	}

	/**
	 * The address of this request below the site's home.
	 *
	 * @return string
	 */
	public static function here(): string {
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Made safe by esc_url_raw().
		$uri  = isset( $_SERVER['REQUEST_URI'] ) && is_string( $_SERVER['REQUEST_URI'] ) ? wp_unslash( $_SERVER['REQUEST_URI'] ) : '/';
		$uri  = '/' . ltrim( $uri, '/' );
		$base = (string) wp_parse_url( home_url(), PHP_URL_PATH );
		if ( '' !== $base && 0 === strpos( $uri, $base . '/' ) ) {
			$uri = substr( $uri, strlen( $base ) );
		}
		return esc_url_raw( $uri );
	}
}
