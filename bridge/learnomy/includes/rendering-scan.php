<?php
/**
 * Finds our blocks and shortcodes in content, also in what it refers to.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Reads content without rendering it.
 */
final class Rendering_Scan {

	const DEEPEST = 6;

	/**
	 * The items in a piece of content.
	 *
	 * @param string $content Content with block markup.
	 * @return array<string, array> By item key.
	 */
	public static function content( string $content ): array {
		return self::within( $content, array() );
	}

	/**
	 * The items in the active widgets that hold blocks or text.
	 *
	 * @return array<string, array> By item key.
	 */
	public static function widgets(): array {
		$items  = array();
		$active = array();
		foreach ( (array) wp_get_sidebars_widgets() as $sidebar => $widgets ) {
			if ( 'wp_inactive_widgets' !== $sidebar ) {
				$active = array_merge( $active, (array) $widgets );
			}
		}
		foreach ( array(
			'block' => 'content',
			'text'  => 'text',
		) as $type => $field ) {
			foreach ( (array) get_option( "widget_$type" ) as $number => $widget ) {
				if ( in_array( "$type-$number", $active, true ) && isset( $widget[ $field ] ) && is_string( $widget[ $field ] ) ) {
					$items += self::content( $widget[ $field ] );
				}
			}
		}
		return $items;
	}

	/**
	 * The items in content, and in what it refers to.
	 *
	 * @param string   $content Content.
	 * @param string[] $seen    What was opened on the way here.
	 * @return array<string, array>
	 */
	private static function within( string $content, array $seen ): array {
		if ( count( $seen ) > self::DEEPEST || 1 !== preg_match( '/wp:(learnomy\/|template-part|pattern|block\s)|\[learnomy_/', $content ) ) {
			return array();
		}
		$items = self::in_shortcodes( $content );
		if ( has_blocks( $content ) ) {
			$items += self::in_blocks( parse_blocks( $content ), $seen );
		}
		return $items;
	}

	/**
	 * The items among parsed blocks.
	 *
	 * @param array[]  $blocks Parsed blocks.
	 * @param string[] $seen   What was opened on the way here.
	 * @return array<string, array>
	 */
	private static function in_blocks( array $blocks, array $seen ): array {
		$items = array();
		foreach ( $blocks as $block ) {
			$name = (string) ( $block['blockName'] ?? '' );
			$item = Blocks::item_of( $name, (array) ( $block['attrs'] ?? array() ) );
			if ( $item ) {
				$items[ $item['key'] ] = $item;
			}
			$reference = self::reference( $name, (array) ( $block['attrs'] ?? array() ) );
			if ( '' !== $reference && ! in_array( $reference, $seen, true ) ) {
				$items += self::within( self::referred( $reference ), array_merge( $seen, array( $reference ) ) );
			}
			if ( ! empty( $block['innerBlocks'] ) ) {
				$items += self::in_blocks( $block['innerBlocks'], $seen );
			}
		}
		return $items;
	}

	/**
	 * What a block refers to.
	 *
	 * @param string $name       Block name.
	 * @param array  $attributes Attributes.
	 * @return string Kind and name, or ''.
	 */
	private static function reference( string $name, array $attributes ): string {
		if ( 'core/block' === $name && isset( $attributes['ref'] ) ) {
			return 'block ' . (int) $attributes['ref'];
		}
		if ( ( 'core/template-part' === $name || 'core/pattern' === $name ) && isset( $attributes['slug'] ) && is_string( $attributes['slug'] ) ) {
			return substr( $name, 5 ) . ' ' . $attributes['slug'];
		}
		return '';
	}

	/**
	 * The content of what was referred to.
	 *
	 * @param string $reference Kind and name.
	 * @return string
	 */
	private static function referred( string $reference ): string {
		list( $kind, $name ) = explode( ' ', $reference, 2 );
		if ( 'block' === $kind ) {
			$post = get_post( (int) $name );
			return $post instanceof \WP_Post && 'publish' === $post->post_status ? $post->post_content : '';
		}
		if ( 'pattern' === $kind ) {
			$pattern = \WP_Block_Patterns_Registry::get_instance()->get_registered( $name );
			return is_array( $pattern ) ? (string) ( $pattern['content'] ?? '' ) : '';
		}
		$part = get_block_template( get_stylesheet() . '//' . $name, 'wp_template_part' );
		return $part instanceof \WP_Block_Template ? (string) $part->content : '';
	}

	/**
	 * The items in shortcodes.
	 *
	 * @param string $content Content.
	 * @return array<string, array>
	 */
	private static function in_shortcodes( string $content ): array {
		$items = array();
		if ( false === strpos( $content, '[learnomy_' ) ) {
			return $items;
		}
		preg_match_all( '/' . get_shortcode_regex( Shortcodes::names() ) . '/', $content, $found, PREG_SET_ORDER );
		foreach ( $found as $match ) {
			if ( '[' === $match[1] && ']' === $match[6] ) {
				continue; // Written as text: [[learnomy_courses]].
			}
			$attributes            = shortcode_parse_atts( $match[3] );
			$item                  = Shortcodes::item_of( $match[2], is_array( $attributes ) ? $attributes : array() );
			$items[ $item['key'] ] = $item;
		}
		return $items;
	}
}
