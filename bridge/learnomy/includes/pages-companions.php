<?php
/**
 * What community plugins ask of the plugins beside them.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Answers filters of BuddyNext.
 */
final class Page_Companions {

	/**
	 * Registers the callbacks.
	 */
	public static function init(): void {
		add_filter( 'buddynext_reserved_space_slugs', array( self::class, 'reserve_space_slugs' ) );
		add_filter( 'buddynext_client_nav_deny', array( self::class, 'load_in_full' ) );
	}

	/**
	 * Names that a space must not have, since our addresses begin with them.
	 *
	 * @param string[] $slugs Reserved slugs.
	 * @return string[]
	 */
	public static function reserve_space_slugs( $slugs ): array {
		return array_values( array_unique( array_merge( (array) $slugs, array_values( Page_Routes::bases() ) ) ) );
	}

	/**
	 * Paths that the client-side navigation must leave to the browser.
	 *
	 * @param array $paths Path, or list of paths, by plugin.
	 * @return array
	 */
	public static function load_in_full( $paths ): array {
		$paths = (array) $paths;
		$own   = array();
		foreach ( Page_Routes::bases() as $slug ) {
			$own[] = (string) wp_parse_url( home_url( "/$slug/" ), PHP_URL_PATH );
		}
		$paths['learnomy'] = $own;
		return $paths;
	}
}
