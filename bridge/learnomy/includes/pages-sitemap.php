<?php
/**
 * The courses in WordPress's own sitemap.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Lists the addresses of published courses.
 */
final class Page_Sitemap extends \WP_Sitemaps_Provider {

	/**
	 * Registers the provider.
	 */
	public static function init(): void {
		add_action( 'init', array( self::class, 'register' ), 20 );
	}

	/**
	 * Adds the provider to the sitemap.
	 */
	public static function register(): void {
		wp_register_sitemap_provider( 'courses', new self() );
	}

	/**
	 * Names the provider.
	 */
	public function __construct() {
		$this->name        = 'courses';
		$this->object_type = 'course';
	}

	/**
	 * The addresses of one page of the sitemap: each page is a range of ids, so that a late one costs what the first does.
	 *
	 * @param int    $page_num       Page.
	 * @param string $object_subtype None.
	 * @return array[]
	 */
	public function get_url_list( $page_num, $object_subtype = '' ) {
		global $wpdb;
		if ( ! $this->is_open() ) {
			return array();
		}
		$size = $this->size();
		$from = ( max( 1, (int) $page_num ) - 1 ) * $size;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- Our table.
		$rows = (array) $wpdb->get_results( $wpdb->prepare( "SELECT slug, updated_at FROM {$wpdb->prefix}lrn_courses WHERE id > %d AND id <= %d AND status = 'published' ORDER BY id", $from, $from + $size ) );
		$list = 0 === $from ? array( array( 'loc' => route_url( 'catalog' ) ) ) : array();
		foreach ( $rows as $row ) {
			$list[] = array(
				'loc'     => route_url( 'course', array( 'slug' => $row->slug ) ),
				'lastmod' => gmdate( DATE_W3C, (int) strtotime( $row->updated_at . ' UTC' ) ),
			);
		}
		return $list;
	}

	/**
	 * How many pages there are.
	 *
	 * @param string $object_subtype None.
	 * @return int
	 */
	public function get_max_num_pages( $object_subtype = '' ) {
		global $wpdb;
		if ( ! $this->is_open() ) {
			return 0;
		}
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- Our table; one look at the end of the key.
		return (int) ceil( max( 1, (int) $wpdb->get_var( "SELECT MAX(id) FROM {$wpdb->prefix}lrn_courses" ) ) / $this->size() );
	}

	/**
	 * Addresses on one page.
	 *
	 * @return int
	 */
	private function size(): int {
		return max( 1, min( 2000, wp_sitemaps_get_max_urls( $this->object_type ) ) );
	}

	/**
	 * Whether guests, and so search engines, may see the courses.
	 *
	 * @return bool
	 */
	private function is_open(): bool {
		return Bridge_Options::is_paired() && Page_Access::is_allowed();
	}
}
