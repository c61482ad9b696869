<?php
/**
 * Networks: one backend serves all sites, each has tables, keys and roles of its own.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Sites that come and go.
 */
final class Multisite {

	/**
	 * Sites of a network beyond which no request looks at each.
	 */
	const MOST_SITES = 500;

	/**
	 * Registers.
	 */
	public static function init(): void {
		if ( ! is_multisite() ) {
			return;
		}
		add_action( 'wp_initialize_site', array( self::class, 'add_site' ), 200 );
		add_filter( 'wpmu_drop_tables', array( self::class, 'tables_to_drop' ), 10, 2 );
		add_action( 'wp_uninitialize_site', array( self::class, 'forget_site' ), 200 );
		add_action( 'wp_update_site', array( self::class, 'note_status' ), 10, 2 );
		foreach ( array( 'add_site_option_', 'update_site_option_' ) as $hook ) {
			add_action( $hook . 'active_sitewide_plugins', array( self::class, 'forget_records' ) );
		}
	}

	/**
	 * Sets up a new site of a network that has the plugin active.
	 *
	 * @param \WP_Site $site Site.
	 */
	public static function add_site( $site ): void {
		if ( ! Activation::is_active_here() ) {
			return;
		}
		Pairing::forget_facts();
		switch_to_blog( (int) $site->blog_id );
		if ( Activation::is_active_here() ) {
			Activation::set_up_site();
			if ( Bridge_Options::is_paired() ) {
				Pairing::pair_again();
				Pairing::install();
			}
		}
		restore_current_blog();
	}

	/**
	 * Our tables of a site that is deleted.
	 *
	 * @param string[] $tables  Tables that WordPress drops.
	 * @param int      $site_id Site.
	 * @return string[]
	 */
	public static function tables_to_drop( $tables, $site_id ) {
		global $wpdb;
		$prefix = $wpdb->get_blog_prefix( (int) $site_id );
		foreach ( array( $prefix . 'lrn_', $prefix . 'learnomy_version' ) as $start ) {
			// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- Names of tables.
			$found  = $wpdb->get_col( $wpdb->prepare( 'SHOW TABLES LIKE %s', $wpdb->esc_like( $start ) . '%' ) );
			$tables = array_merge( (array) $tables, $found );
		}
		return $tables;
	}

	/**
	 * Closes the quick doors of a site that is archived, marked as spam or deleted: WordPress refuses it, and opens them again.
	 *
	 * @param \WP_Site $site Site as it is now.
	 * @param \WP_Site $old  Site as it was.
	 */
	public static function note_status( $site, $old ): void {
		foreach ( array( 'archived', 'spam', 'deleted' ) as $flag ) {
			if ( (int) $site->$flag !== (int) $old->$flag ) {
				switch_to_blog( (int) $site->blog_id );
				Record::forget();
				restore_current_blog();
				return;
			}
		}
	}

	/**
	 * Has the backend forget a deleted site.
	 */
	public static function forget_site(): void {
		Pairing::forget_facts();
	}

	/**
	 * Sets up every site of the network.
	 */
	public static function set_up_all(): void {
		foreach ( self::site_ids() as $site_id ) {
			switch_to_blog( $site_id );
			Activation::set_up_site();
			if ( Bridge_Options::is_paired() ) {
				Pairing::install();
			}
			restore_current_blog();
		}
	}

	/**
	 * Forgets the records of all sites, since a plugin of the network came or went.
	 */
	public static function forget_records(): void {
		foreach ( self::site_ids() as $site_id ) {
			switch_to_blog( $site_id );
			Record::forget();
			restore_current_blog();
		}
	}

	/**
	 * Whether another site of the network has the plugin active.
	 *
	 * @return bool
	 */
	public static function is_active_elsewhere(): bool {
		foreach ( self::site_ids() as $site_id ) {
			if ( get_current_blog_id() !== $site_id && in_array( Activation::PLUGIN, (array) get_blog_option( $site_id, 'active_plugins' ), true ) ) {
				return true;
			}
		}
		return false;
	}

	/**
	 * Sites of the network.
	 *
	 * @return int[]
	 */
	private static function site_ids(): array {
		return array_map(
			'intval',
			get_sites(
				array(
					'fields' => 'ids',
					'number' => self::MOST_SITES,
				)
			)
		);
	}
}
