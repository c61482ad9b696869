<?php
/**
 * What the settings screen sends: connecting, the academy's settings, the owner's ticks.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Checks and saves the forms.
 */
final class Settings_Save {

	const ACTION = 'learnomy_save_settings';

	/**
	 * Notices to show on the screen.
	 *
	 * @var array[]
	 */
	private static $notices = array();

	/**
	 * Serves a form, and goes back to the screen.
	 */
	public static function serve(): void {
		$what = isset( $_POST['what'] ) ? sanitize_key( wp_unslash( $_POST['what'] ) ) : '';
		check_admin_referer( self::ACTION . '_' . $what );
		if ( ! current_user_can( Settings_Screen::capability() ) ) {
			wp_die( esc_html__( 'You may not change these settings.', 'learnomy' ), '', array( 'response' => 403 ) );
		}
		$sent = wp_unslash( $_POST );
		switch ( $what ) {
			case 'connect':
				self::connect( self::text( $sent, 'address' ), self::text( $sent, 'loopback' ) );
				break;
			case 'academy':
				self::save_academy( $sent );
				break;
			case 'bridge':
				self::save_bridge( $sent );
				break;
		}
		set_transient( self::notice_key(), self::$notices, MINUTE_IN_SECONDS );
		wp_safe_redirect( Settings_Screen::url() );
		exit;
	}

	/**
	 * Where the current user's notices are kept.
	 *
	 * @return string
	 */
	public static function notice_key(): string {
		return 'learnomy_notices_' . get_current_user_id();
	}

	/**
	 * Whether the tables go with the plugin.
	 *
	 * @return bool
	 */
	public static function removes_tables(): bool {
		$stored = get_option( Bridge_Options::OPTION );
		return is_array( $stored ) && ! empty( $stored['remove_tables'] );
	}

	/**
	 * Connects to the backend.
	 *
	 * @param string $address  Address; '' for the usual ones.
	 * @param string $loopback Address for calls of the backend.
	 * @return bool
	 */
	public static function connect( string $address, string $loopback ): bool {
		if ( '' !== $loopback && ! wp_http_validate_url( $loopback ) && 1 !== preg_match( '#^https?://[^/\s?\#@]+/?$#i', $loopback ) ) {
			return self::notice( 'error', __( 'The address for calls of the backend must begin with http:// or https:// and name a host.', 'learnomy' ) );
		}
		Bridge_Options::set( array( 'loopback' => untrailingslashit( $loopback ) ) );
		$paired = Pairing::pair( $address );
		if ( is_wp_error( $paired ) ) {
			return self::notice( 'error', $paired->get_error_message() );
		}
		/* translators: %s: address of the backend. */
		return self::notice( 'success', sprintf( __( 'Connected with the backend at %s.', 'learnomy' ), Bridge_Options::address() ) );
	}

	/**
	 * Sends the academy's settings to the backend, which alone judges them.
	 *
	 * @param array $sent What was sent.
	 * @return bool
	 */
	public static function save_academy( array $sent ): bool {
		$slugs = array();
		foreach ( array_keys( Page_Routes::BASES ) as $name ) {
			$slugs[ $name ] = self::text( isset( $sent['slugs'] ) && is_array( $sent['slugs'] ) ? $sent['slugs'] : array(), $name );
		}
		$request = new \WP_REST_Request( 'PATCH', '/learnomy/v1/settings' );
		$request->set_header( 'Content-Type', 'application/json' );
		$request->set_body(
			(string) wp_json_encode(
				array(
					'enrollment_mode'           => self::text( $sent, 'enrollment_mode' ),
					'completion_rules'          => self::text( $sent, 'completion_rules' ),
					'require_login_for_content' => ! empty( $sent['require_login_for_content'] ),
					'slugs'                     => array_filter( $slugs, 'strlen' ),
				)
			)
		);
		$reply = rest_do_request( $request );
		if ( ! $reply->is_error() ) {
			return self::notice( 'success', __( 'Saved.', 'learnomy' ) );
		}
		$error = (array) ( ( (array) $reply->get_data() )['error'] ?? array() );
		self::notice( 'error', (string) ( $error['message'] ?? __( 'The settings were not saved.', 'learnomy' ) ) );
		foreach ( (array) ( $error['details'] ?? array() ) as $detail ) {
			self::notice( 'error', ( $detail['field'] ?? '' ) . ': ' . ( $detail['message'] ?? '' ) );
		}
		return false;
	}

	/**
	 * Saves the owner's ticks.
	 *
	 * @param array $sent What was sent.
	 * @return bool
	 */
	public static function save_bridge( array $sent ): bool {
		Bridge_Options::set(
			array(
				'harmless'      => self::ticked( $sent, 'harmless' ),
				'firewall_ok'   => self::ticked( $sent, 'firewall_ok' ),
				'compat'        => ! empty( $sent['compat'] ),
				'remove_tables' => ! empty( $sent['remove_tables'] ),
			)
		);
		return self::notice( 'success', __( 'Saved.', 'learnomy' ) );
	}

	/**
	 * The keys that were ticked, of those that the record knows.
	 *
	 * @param array  $sent What was sent.
	 * @param string $name Field name.
	 * @return string[]
	 */
	private static function ticked( array $sent, string $name ): array {
		$record = get_option( Record::OPTION );
		$record = is_array( $record ) ? $record : array();
		$known  = 'harmless' === $name ? array_merge( array(), ...array_values( array_map( 'array_values', (array) ( $record['gates'] ?? array() ) ) ) ) : (array) ( $record['firewalls'] ?? array() );
		$ticked = isset( $sent[ $name ] ) && is_array( $sent[ $name ] ) ? array_map( 'strval', array_keys( $sent[ $name ] ) ) : array();
		return array_values( array_unique( array_intersect( $ticked, $known ) ) );
	}

	/**
	 * A line of text that was sent.
	 *
	 * @param array  $sent What was sent.
	 * @param string $name Field name.
	 * @return string
	 */
	private static function text( array $sent, string $name ): string {
		return isset( $sent[ $name ] ) && is_string( $sent[ $name ] ) ? sanitize_text_field( $sent[ $name ] ) : '';
	}

	/**
	 * Adds a notice.
	 *
	 * @param string $type success or error.
	 * @param string $text Text.
	 * @return bool Whether it is good news.
	 */
	private static function notice( string $type, string $text ): bool {
		self::$notices[] = array(
			'type' => $type,
			'text' => $text,
		);
		return 'success' === $type;
	}
}
