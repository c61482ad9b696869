<?php
/**
 * Which template shows our pages: the theme's own `learnomy-<route>`, else ours, in block and classic themes.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Templates of the virtual pages.
 */
final class Page_Templates {

	/**
	 * Registers the templates.
	 */
	public static function init(): void {
		add_action( 'init', array( self::class, 'register' ) );
		add_filter( 'index_template_hierarchy', array( self::class, 'put_first' ) );
		add_filter( 'template_include', array( self::class, 'use_classic' ), 20 );
		add_filter( 'pre_render_block', array( self::class, 'fill_content' ), 10, 2 );
		add_action( 'learnomy_page_content', array( self::class, 'print_content' ) );
	}

	/**
	 * Makes the templates known to the Site Editor and to template resolution.
	 */
	public static function register(): void {
		if ( ! wp_is_block_theme() ) {
			return;
		}
		if ( ! function_exists( 'register_block_template' ) ) {
			add_filter( 'get_block_templates', array( self::class, 'add_to_templates' ), 10, 3 );
			add_filter( 'pre_get_block_file_template', array( self::class, 'find_template' ), 10, 3 );
			return;
		}
		foreach ( self::titles() as $slug => $title ) {
			register_block_template(
				"learnomy//$slug",
				array(
					'title'       => $title,
					'description' => __( 'The content is Learnomy\'s; what stands around it is yours.', 'learnomy' ),
					'content'     => self::content(),
				)
			);
		}
	}

	/**
	 * Titles by slug.
	 *
	 * @return array<string, string>
	 */
	private static function titles(): array {
		return array(
			'learnomy-catalog'  => __( 'Course catalogue', 'learnomy' ),
			'learnomy-category' => __( 'Course category', 'learnomy' ),
			'learnomy-course'   => __( 'Course', 'learnomy' ),
		);
	}

	/**
	 * The blocks of a template: the theme's header and footer, and the page between them.
	 *
	 * @return string
	 */
	private static function content(): string {
		return '<!-- wp:template-part {"slug":"' . self::part( 'header' ) . '","area":"header","tagName":"header"} /-->'
			. '<!-- wp:group {"tagName":"main","style":{"spacing":{"padding":{"top":"var:preset|spacing|50","bottom":"var:preset|spacing|60"}}},"layout":{"type":"constrained"}} -->'
			. '<main class="wp-block-group" style="padding-top:var(--wp--preset--spacing--50);padding-bottom:var(--wp--preset--spacing--60)"><!-- wp:post-content {"align":"wide"} /--></main>'
			. '<!-- /wp:group -->'
			. '<!-- wp:template-part {"slug":"' . self::part( 'footer' ) . '","area":"footer","tagName":"footer"} /-->';
	}

	/**
	 * The slug of the theme's header or footer part.
	 *
	 * @param string $area Area.
	 * @return string
	 */
	private static function part( string $area ): string {
		if ( is_file( get_theme_file_path( "parts/$area.html" ) ) ) {
			return $area;
		}
		foreach ( \WP_Theme_JSON_Resolver::get_theme_data()->get_template_parts() as $slug => $part ) {
			if ( isset( $part['area'] ) && $area === $part['area'] ) {
				return (string) $slug;
			}
		}
		return $area;
	}

	/**
	 * Our template comes before the theme's index.
	 *
	 * @param string[] $templates File names.
	 * @return string[]
	 */
	public static function put_first( $templates ): array {
		$templates = (array) $templates;
		if ( '' !== Pages::route() ) {
			array_unshift( $templates, 'learnomy-' . Pages::route() . '.php' );
		}
		return $templates;
	}

	/**
	 * In a classic theme without a template of its own, our file takes the place of its index.
	 *
	 * @param string $template Path.
	 * @return string
	 */
	public static function use_classic( $template ): string {
		$template = (string) $template;
		if ( '' === Pages::route() || is_404() || wp_is_block_theme() || 0 === strpos( basename( $template ), 'learnomy-' ) ) {
			return $template;
		}
		return LEARNOMY_DIR . '/templates/learnomy-page.php';
	}

	/**
	 * The block that stands for the content shows our page.
	 *
	 * @param string|null $html  HTML.
	 * @param array       $block Parsed block.
	 * @return string|null
	 */
	public static function fill_content( $html, $block ) {
		if ( '' === Pages::route() || is_404() || ! is_array( $block ) || 'core/post-content' !== ( $block['blockName'] ?? '' ) || get_the_ID() ) {
			return $html;
		}
		$align = isset( $block['attrs']['align'] ) && is_string( $block['attrs']['align'] ) ? ' align' . sanitize_html_class( $block['attrs']['align'] ) : '';
		return '<div class="wp-block-post-content entry-content' . $align . '">' . Rendering::html( self::item() ) . '</div>';
	}

	/**
	 * The page as an item to render.
	 *
	 * @return array
	 */
	public static function item(): array {
		return Rendering::item( 'page', Pages::route(), Pages::arguments() );
	}

	/**
	 * Prints the page, in classic themes.
	 */
	public static function print_content(): void {
		if ( '' !== Pages::route() && ! is_404() ) {
			echo Rendering::html( self::item() ); // phpcs:ignore WordPress.Security.EscapeOutput -- HTML of the backend, signed.
		}
	}

	/**
	 * Adds our templates before WordPress 6.7.
	 *
	 * @param \WP_Block_Template[] $found Templates found.
	 * @param array                $query Query.
	 * @param string               $type  Template type.
	 * @return \WP_Block_Template[]
	 */
	public static function add_to_templates( $found, $query, $type ): array {
		$found = (array) $found;
		if ( 'wp_template' !== $type || isset( $query['wp_id'] ) || ! empty( $query['post_type'] ) ) {
			return $found;
		}
		$slugs = wp_list_pluck( $found, 'slug' );
		foreach ( array_keys( self::titles() ) as $slug ) {
			if ( ! in_array( $slug, $slugs, true ) && ( empty( $query['slug__in'] ) || in_array( $slug, (array) $query['slug__in'], true ) ) ) {
				$found[] = self::template( $slug );
			}
		}
		return $found;
	}

	/**
	 * Finds one of our templates before WordPress 6.7.
	 *
	 * @param \WP_Block_Template|null $found Template.
	 * @param string                  $id    Id: theme//slug.
	 * @param string                  $type  Template type.
	 * @return \WP_Block_Template|null
	 */
	public static function find_template( $found, $id, $type ) {
		$slug = (string) substr( (string) strrchr( (string) $id, '/' ), 1 );
		return null === $found && 'wp_template' === $type && isset( self::titles()[ $slug ] ) ? self::template( $slug ) : $found;
	}

	/**
	 * One of our templates.
	 *
	 * @param string $slug Slug.
	 * @return \WP_Block_Template
	 */
	private static function template( string $slug ): \WP_Block_Template {
		$template                 = new \WP_Block_Template();
		$template->id             = get_stylesheet() . '//' . $slug;
		$template->theme          = get_stylesheet();
		$template->slug           = $slug;
		$template->type           = 'wp_template';
		$template->source         = 'plugin';
		$template->origin         = 'plugin';
		$template->title          = self::titles()[ $slug ];
		$template->status         = 'publish';
		$template->content        = self::content();
		$template->has_theme_file = true;
		$template->is_custom      = false;
		return $template;
	}
}
