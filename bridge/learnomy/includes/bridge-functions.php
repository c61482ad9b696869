<?php
/**
 * Functions of the bridge that other plugins and scripts call.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy {

	defined( 'ABSPATH' ) || exit;

	/**
	 * Pairs this site with its backend, as the settings screen does.
	 *
	 * @param array $options `address`, where it is not a usual one.
	 * @return true|\WP_Error
	 */
	function pair( array $options = array() ) {
		return Pairing::pair( isset( $options['address'] ) ? (string) $options['address'] : null );
	}
}

namespace {

	/**
	 * Declares that a plugin listens to a hook that it registers only now and then.
	 *
	 * Requests that this hook concerns are then always served by a loaded WordPress. Call it on every request, at
	 * `plugins_loaded` or later.
	 *
	 * @param string $hook Name of the hook.
	 */
	function learnomy_listens( string $hook ): void {
		// phpcs:ignore WordPress.PHP.DevelopmentFunctions -- The caller's file says which plugin it is.
		$trace = debug_backtrace( DEBUG_BACKTRACE_IGNORE_ARGS, 1 );
		\Learnomy\Record_Scan::declare_listener( $hook, $trace[0]['file'] ?? '' );
	}
}
