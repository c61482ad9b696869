<?php
/**
 * Where the site is, as the backend is told it.
 *
 * Tokens, links and calls back into WordPress hang on it, and many a wp-config.php makes it of the visitor's own Host
 * header. So what was paired stays, until the stored addresses change or the owner pairs anew.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The paired addresses of a site.
 */
final class Site_Addresses {

	/**
	 * Forgets them: whoever asks next gets those of the current request, and keeps them.
	 */
	public static function forget(): void {
		Bridge_Options::set( array( 'addresses' => array() ) );
	}

	/**
	 * Home and address of WordPress of one site. A network has them in its tables.
	 *
	 * @param int $site_id Site.
	 * @return array{home: string, siteurl: string}
	 */
	public static function of( int $site_id ): array {
		$now = array(
			'home'    => get_home_url( $site_id ),
			'siteurl' => get_site_url( $site_id ),
		);
		if ( is_multisite() ) {
			return $now;
		}
		$kept   = Bridge_Options::get( 'addresses' );
		$stored = self::stored();
		if ( isset( $kept['home'], $kept['siteurl'], $kept['stored'] ) && $kept['stored'] === $stored ) {
			return array(
				'home'    => (string) $kept['home'],
				'siteurl' => (string) $kept['siteurl'],
			);
		}
		Bridge_Options::set( array( 'addresses' => $now + array( 'stored' => $stored ) ) );
		return $now;
	}

	/**
	 * The addresses in the table of options, whatever constants and filters say.
	 *
	 * @return string[]
	 */
	private static function stored(): array {
		$all = wp_load_alloptions();
		return array( (string) ( $all['home'] ?? '' ), (string) ( $all['siteurl'] ?? '' ) );
	}
}
