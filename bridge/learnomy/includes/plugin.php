<?php
/**
 * Starts the parts of the plugin, in order.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The plugin.
 */
final class Plugin {

	/**
	 * Parts, each with a static init() that only adds hooks. The order is the order of their callbacks.
	 */
	const PARTS = array(
		'Identity',
		'Record',
		'Channel_Incoming',
		'Routes',
		'Doors',
		'Rest_Errors',
		'Pairing',
		'Activation',
		'Multisite',
		'Actions',
		'Pages',
		'Page_Access',
		'Page_Companions',
		'Page_Head',
		'Page_Seo',
		'Page_Sitemap',
		'Page_Templates',
		'Blocks',
		'Shortcodes',
		'Rendering',
		'Rendering_Assets',
		'Rendering_Plan',
		'Site_Doors',
		'Site_Health',
		'Settings_Screen',
		'CLI',
	);

	/**
	 * Starts every part while the plugin file loads.
	 */
	public static function load(): void {
		foreach ( self::PARTS as $part ) {
			call_user_func( array( __NAMESPACE__ . '\\' . $part, 'init' ) );
		}
	}
}
