<?php
/**
 * Removes what the plugin stored in WordPress; its tables only where the owner ticked that.
 *
 * The plugin is not loaded here.
 *
 * @package Learnomy
 */

declare(strict_types=1);

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

/**
 * Removes what one site has.
 */
function learnomy_uninstall_site(): void {
	global $wpdb;
	$bridge = get_option( 'learnomy_bridge' );
	$cap    = 'learnomy_';
	foreach ( array( 'lrn_student', 'lrn_instructor' ) as $role ) {
		remove_role( $role );
	}
	foreach ( wp_roles()->role_objects as $role ) {
		foreach ( array_keys( $role->capabilities ) as $capability ) {
			if ( 0 === strncmp( (string) $capability, $cap, strlen( $cap ) ) ) {
				$role->remove_cap( $capability );
			}
		}
	}
	// phpcs:disable WordPress.DB -- Everything of ours goes, and the caches are told.
	$options = $wpdb->get_col( $wpdb->prepare( "SELECT option_name FROM $wpdb->options WHERE option_name LIKE %s", $wpdb->esc_like( 'learnomy_' ) . '%' ) );
	foreach ( $options as $option ) {
		delete_option( $option );
	}
	wp_clear_scheduled_hook( 'learnomy_pull_outbox' );
	if ( is_array( $bridge ) && ! empty( $bridge['remove_tables'] ) ) {
		foreach ( array( 'lrn_', 'learnomy_version' ) as $start ) {
			$tables = $wpdb->get_col( $wpdb->prepare( 'SHOW TABLES LIKE %s', $wpdb->esc_like( $wpdb->prefix . $start ) . '%' ) );
			foreach ( $tables as $table ) {
				$wpdb->query( "DROP TABLE IF EXISTS `$table`" );
			}
		}
	}
	// phpcs:enable
}

if ( is_multisite() ) {
	$learnomy_sites = get_sites(
		array(
			'fields' => 'ids',
			'number' => 0,
		)
	);
	foreach ( $learnomy_sites as $learnomy_site_id ) {
		switch_to_blog( (int) $learnomy_site_id );
		learnomy_uninstall_site();
		restore_current_blog();
	}
} else {
	learnomy_uninstall_site();
}

// People are shared by all sites of a network.
$learnomy_meta = $GLOBALS['wpdb']->get_col( // phpcs:ignore WordPress.DB -- Keys of ours.
	$GLOBALS['wpdb']->prepare( "SELECT DISTINCT meta_key FROM {$GLOBALS['wpdb']->usermeta} WHERE meta_key LIKE %s", $GLOBALS['wpdb']->esc_like( 'learnomy_' ) . '%' )
);
foreach ( $learnomy_meta as $learnomy_key ) {
	delete_metadata( 'user', 0, $learnomy_key, '', true );
}

$learnomy_stub = WPMU_PLUGIN_DIR . '/learnomy-early.php';
if ( is_file( $learnomy_stub ) && false !== strpos( (string) file_get_contents( $learnomy_stub ), 'Plugin Name: Learnomy early door' ) ) {
	wp_delete_file( $learnomy_stub );
}
