<?php
/**
 * What a site needs before it can use Learnomy: roles, options, keys, the stub of the early door.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Activation, updates and deactivation.
 */
final class Activation {

	const PLUGIN = 'learnomy/learnomy.php';

	const CAPABILITIES = array(
		'learnomy_manage',
		'learnomy_edit_courses',
		'learnomy_publish_courses',
		'learnomy_edit_others_courses',
		'learnomy_grade',
		'learnomy_view_reports',
	);

	const INSTRUCTOR = array(
		'read',
		'upload_files',
		'learnomy_edit_courses',
		'learnomy_publish_courses',
		'learnomy_grade',
		'learnomy_view_reports',
	);

	/**
	 * Lowest versions of the database.
	 */
	const MARIADB = '10.6';
	const MYSQL   = '8.0';

	/**
	 * Registers.
	 */
	public static function init(): void {
		add_action( 'admin_init', array( self::class, 'update' ) );
	}

	/**
	 * Activates on this site, or on all sites of the network.
	 *
	 * @param bool $network_wide Whether for the network.
	 */
	public static function activate( $network_wide = false ): void {
		$refusal = self::database_refusal();
		if ( '' !== $refusal ) {
			deactivate_plugins( self::PLUGIN, false, $network_wide );
			wp_die( esc_html( $refusal ), '', array( 'back_link' => true ) );
		}
		self::set_up_site();
		Activation_Stub::install();
		if ( is_multisite() && $network_wide ) {
			Multisite::set_up_all();
		} elseif ( Bridge_Options::is_paired() ) {
			Pairing::install();
		}
	}

	/**
	 * Deactivates: what is stored stays.
	 *
	 * @param bool $network_wide Whether for the network.
	 */
	public static function deactivate( $network_wide = false ): void {
		wp_clear_scheduled_hook( 'learnomy_pull_outbox' );
		Record::forget();
		delete_option( 'rewrite_rules' ); // Made anew at the next request, without ours.
		delete_option( 'learnomy_rewrite' ); // And with ours, should the plugin come back.
		if ( ! is_multisite() || $network_wide || ! Multisite::is_active_elsewhere() ) {
			Activation_Stub::remove();
		}
	}

	/**
	 * Sets up again after an update of the plugin.
	 */
	public static function update(): void {
		if ( Bridge_Options::get( 'version' ) === LEARNOMY_BACKEND_VERSION || wp_doing_ajax() ) {
			return;
		}
		self::set_up_site();
		Activation_Stub::install();
		if ( Bridge_Options::is_paired() ) {
			Pairing::renew_if_changed();
			Pairing::install();
		}
	}

	/**
	 * Roles, capabilities, options and keys of the current site. Safe to repeat.
	 */
	public static function set_up_site(): void {
		self::add_roles();
		if ( '' === Bridge_Options::get( 'secret' ) ) {
			Bridge_Options::set( array( 'secret' => bin2hex( random_bytes( 32 ) ) ) );
		}
		if ( Bridge_Options::get( 'version' ) !== LEARNOMY_BACKEND_VERSION ) {
			Bridge_Options::set( array( 'version' => LEARNOMY_BACKEND_VERSION ) );
		}
		// Autoloaded and never missing, so that reading them costs no query.
		add_option( 'learnomy_settings', array() );
		add_option( Breaker_Store::OPTION, array() );
		Signing_Keys::ensure();
	}

	/**
	 * Whether the plugin is active on the current site.
	 *
	 * @return bool
	 */
	public static function is_active_here(): bool {
		if ( ! is_multisite() ) {
			return true;
		}
		$network = get_site_option( 'active_sitewide_plugins' );
		return isset( $network[ self::PLUGIN ] ) || in_array( self::PLUGIN, (array) get_option( 'active_plugins' ), true );
	}

	/**
	 * Why the database is too old; '' where it is not.
	 *
	 * @return string
	 */
	public static function database_refusal(): string {
		global $wpdb;
		$version = (string) $wpdb->get_var( 'SELECT VERSION()' ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery -- No table.
		$maria   = false !== stripos( $version, 'mariadb' );
		$version = (string) preg_replace( '/^5\.5\.5-/', '', $version );
		if ( ! preg_match( '/\d+\.\d+/', $version, $match ) || version_compare( $match[0], $maria ? self::MARIADB : self::MYSQL, '>=' ) ) {
			return '';
		}
		/* translators: 1: found version, 2: MariaDB version, 3: MySQL version. */
		return sprintf( __( 'Learnomy needs MariaDB %2$s or MySQL %3$s; this database is %1$s.', 'learnomy' ), $version, self::MARIADB, self::MYSQL );
	}

	/**
	 * Adds our roles, and our capabilities to administrators.
	 */
	private static function add_roles(): void {
		$wanted = array(
			'lrn_student'    => array( 'Student', array( 'read' ) ),
			'lrn_instructor' => array( 'Instructor', self::INSTRUCTOR ),
		);
		foreach ( $wanted as $name => list( $label, $capabilities ) ) {
			if ( null === get_role( $name ) ) {
				add_role( $name, $label, array_fill_keys( $capabilities, true ) );
			}
		}
		$administrator = get_role( 'administrator' );
		foreach ( null === $administrator ? array() : self::CAPABILITIES as $capability ) {
			if ( ! $administrator->has_cap( $capability ) ) {
				$administrator->add_cap( $capability );
			}
		}
	}
}
