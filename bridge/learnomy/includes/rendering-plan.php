<?php
/**
 * What a page will show of ours, known before it is rendered: so one call brings it all.
 *
 * Read from the template, its parts and patterns, synced blocks, the posts' content, widgets and shortcodes; what was met
 * on this page the last time though nothing there announced it (page builders, theme code) is added.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The plan of the current page.
 */
final class Rendering_Plan {

	const OPTION         = 'learnomy_plan';
	const MOST_PAGES     = 50;
	const MOST_TEMPLATES = 30;
	const MOST_ITEMS     = 12;

	/**
	 * Whether this request renders a page that was planned.
	 *
	 * @var bool
	 */
	private static $is_planned = false;

	/**
	 * Items that this page was known to show though nothing announced them.
	 *
	 * @var array<string, array>
	 */
	private static $remembered = array();

	/**
	 * Items that nobody foresaw.
	 *
	 * @var array<string, array>
	 */
	private static $learned = array();

	/**
	 * Keys of the items that were shown.
	 *
	 * @var array<string, true>
	 */
	private static $met = array();

	/**
	 * Registers the callbacks.
	 */
	public static function init(): void {
		add_filter( 'template_include', array( self::class, 'plan' ), PHP_INT_MAX );
		add_action( 'shutdown', array( self::class, 'remember' ), 20 );
		foreach ( array( 'save_post_wp_template', 'save_post_wp_template_part', 'save_post_wp_block', 'switch_theme', 'update_option_widget_block', 'update_option_widget_text', 'update_option_sidebars_widgets', 'upgrader_process_complete' ) as $hook ) {
			add_action( $hook, array( self::class, 'forget_templates' ), 10, 0 );
		}
		add_action( 'deleted_post', array( self::class, 'forget_deleted' ), 10, 2 );
	}

	/**
	 * Reads templates anew after one was deleted.
	 *
	 * @param int      $id   Post id.
	 * @param \WP_Post $post Post.
	 */
	public static function forget_deleted( $id, $post ): void {
		if ( $post instanceof \WP_Post && in_array( $post->post_type, array( 'wp_template', 'wp_template_part', 'wp_block' ), true ) ) {
			self::forget_templates();
		}
	}

	/**
	 * Asks for all that the page will show, and gives it its status.
	 *
	 * @param string $template Template file.
	 * @return string
	 */
	public static function plan( $template ): string {
		self::$is_planned = true;
		$is_ours          = '' !== Pages::route() && ! is_404();
		$items            = self::collect();
		if ( $is_ours ) {
			array_unshift( $items, Page_Templates::item() );
		}
		Rendering::prepare( $items );
		if ( ! $is_ours ) {
			return (string) $template;
		}
		$status = Rendering::status( $items[0] );
		if ( 404 === $status ) {
			return self::not_found( (string) $template );
		}
		if ( 200 !== $status ) {
			status_header( $status );
		}
		if ( 503 === $status && ! headers_sent() ) {
			header( 'Retry-After: 30' );
		}
		return (string) $template;
	}

	/**
	 * The theme's own page for what does not exist.
	 *
	 * @param string $template Template chosen so far.
	 * @return string
	 */
	private static function not_found( string $template ): string {
		global $wp_query;
		$wp_query->set_404();
		status_header( 404 );
		nocache_headers();
		$found = get_404_template();
		if ( '' === $found ) {
			$found = get_index_template();
		}
		return '' === $found ? $template : $found;
	}

	/**
	 * The items of this page.
	 *
	 * @return array[]
	 */
	private static function collect(): array {
		global $wp_query, $_wp_current_template_content;
		$items = array();
		if ( $wp_query instanceof \WP_Query ) {
			foreach ( (array) $wp_query->posts as $post ) {
				if ( $post instanceof \WP_Post ) {
					$items += Rendering_Scan::content( $post->post_content );
				}
			}
		}
		$around = is_string( $_wp_current_template_content ) && wp_is_block_theme() ? $_wp_current_template_content : '';
		$items += self::around( $around );
		self::$remembered = self::known()['pages'][ self::page_key() ] ?? array();
		return array_values( $items + self::$remembered );
	}

	/**
	 * The items of a template, or of the widgets of a classic theme, read once for each state of them.
	 *
	 * @param string $template Block template; '' in a classic theme.
	 * @return array<string, array>
	 */
	private static function around( string $template ): array {
		$key   = md5( $template . get_stylesheet() );
		$known = self::known();
		if ( ! isset( $known['templates'][ $key ] ) ) {
			$known['templates'][ $key ] = '' === $template ? Rendering_Scan::widgets() : Rendering_Scan::content( $template );
			self::save( $known );
		}
		return $known['templates'][ $key ];
	}

	/**
	 * An item was met that nobody foresaw.
	 *
	 * @param array $item Item.
	 */
	public static function learn( array $item ): void {
		if ( self::$is_planned ) {
			self::$learned[ $item['key'] ] = $item;
		}
	}

	/**
	 * An item was shown.
	 *
	 * @param array $item Item.
	 */
	public static function met( array $item ): void {
		self::$met[ $item['key'] ] = true;
	}

	/**
	 * Remembers what this page showed beyond what was announced, and forgets what it no longer shows.
	 */
	public static function remember(): void {
		if ( ! self::$is_planned || ! did_action( 'wp_footer' ) ) {
			return;
		}
		$items = array_slice( array_intersect_key( self::$remembered, self::$met ) + self::$learned, 0, self::MOST_ITEMS, true );
		$known = self::known();
		$key   = self::page_key();
		if ( $items === ( $known['pages'][ $key ] ?? array() ) ) {
			return;
		}
		unset( $known['pages'][ $key ] );
		if ( $items ) {
			$known['pages'][ $key ] = $items;
		}
		self::save( $known );
	}

	/**
	 * Reads templates and widgets anew the next time.
	 */
	public static function forget_templates(): void {
		$known = self::known();
		if ( $known['templates'] ) {
			$known['templates'] = array();
			self::save( $known );
		}
	}

	/**
	 * What is known, of this version.
	 *
	 * @return array{version: string, templates: array, pages: array}
	 */
	private static function known(): array {
		$known = get_option( self::OPTION );
		if ( is_array( $known ) && isset( $known['version'], $known['templates'], $known['pages'] ) && LEARNOMY_BACKEND_VERSION === $known['version'] ) {
			return $known;
		}
		return array(
			'version'   => LEARNOMY_BACKEND_VERSION,
			'templates' => array(),
			'pages'     => array(),
		);
	}

	/**
	 * Saves what is known, within bounds, the newest last.
	 *
	 * @param array $known What is known.
	 */
	private static function save( array $known ): void {
		$known['templates'] = array_slice( $known['templates'], -self::MOST_TEMPLATES, null, true );
		$known['pages']     = array_slice( $known['pages'], -self::MOST_PAGES, null, true );
		update_option( self::OPTION, $known, true );
	}

	/**
	 * The name of this page among those remembered.
	 *
	 * @return string
	 */
	private static function page_key(): string {
		return substr( md5( (string) wp_parse_url( Page_Access::here(), PHP_URL_PATH ) ), 0, 12 );
	}
}
