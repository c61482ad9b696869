<?php
/**
 * Our shortcodes: other faces of the blocks, with attributes in snake_case.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Shortcodes.
 */
final class Shortcodes {

	/**
	 * The block that each shortcode is a face of.
	 */
	const BLOCKS = array( 'learnomy_courses' => 'course-catalog' );

	/**
	 * Registers the shortcodes.
	 */
	public static function init(): void {
		foreach ( self::names() as $name ) {
			add_shortcode( $name, array( self::class, 'render' ) );
		}
	}

	/**
	 * Their names.
	 *
	 * @return string[]
	 */
	public static function names(): array {
		return array_keys( self::BLOCKS );
	}

	/**
	 * Renders a shortcode.
	 *
	 * @param array|string $attributes Attributes.
	 * @param string|null  $content    Inner content.
	 * @param string       $name       Shortcode.
	 * @return string
	 */
	public static function render( $attributes, $content, $name ): string {
		return Rendering::html( self::item_of( (string) $name, is_array( $attributes ) ? $attributes : array() ) );
	}

	/**
	 * A shortcode as an item to render; its attributes are those of its block.
	 *
	 * @param string $name  Shortcode.
	 * @param array  $given Attributes as they were written.
	 * @return array
	 */
	public static function item_of( string $name, array $given ): array {
		$block      = self::BLOCKS[ $name ];
		$attributes = array();
		foreach ( array_keys( Blocks::declared( $block ) ) as $attribute ) {
			$snake = strtolower( (string) preg_replace( '/[A-Z]/', '_$0', $attribute ) );
			foreach ( array( $snake, strtolower( $attribute ) ) as $written ) {
				if ( isset( $given[ $written ] ) ) {
					$attributes[ $attribute ] = $given[ $written ];
					break;
				}
			}
		}
		return Rendering::item( 'shortcode', $name, Blocks::attributes( $block, $attributes ) );
	}
}
