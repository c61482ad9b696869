<?php
/**
 * Our blocks: registered from blocks/<name>/block.json, rendered by the backend.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Blocks of the editor and of pages.
 */
final class Blocks {

	const NAMES = array( 'course-catalog' );

	/**
	 * Attributes that a block's metadata declares, by block.
	 *
	 * @var array<string, array>
	 */
	private static $declared = array();

	/**
	 * Registers the callbacks.
	 */
	public static function init(): void {
		add_action( 'init', array( self::class, 'register' ) );
		add_filter( 'block_categories_all', array( self::class, 'add_category' ) );
	}

	/**
	 * Registers the blocks.
	 */
	public static function register(): void {
		foreach ( self::NAMES as $name ) {
			register_block_type( LEARNOMY_DIR . "/blocks/$name", array( 'render_callback' => array( self::class, 'render' ) ) );
			wp_set_script_translations( generate_block_asset_handle( "learnomy/$name", 'editorScript' ), 'learnomy' );
		}
	}

	/**
	 * Adds our category to the inserter.
	 *
	 * @param array[] $categories Categories.
	 * @return array[]
	 */
	public static function add_category( $categories ): array {
		$categories   = (array) $categories;
		$categories[] = array(
			'slug'  => 'learnomy',
			'title' => __( 'Learnomy', 'learnomy' ),
		);
		return $categories;
	}

	/**
	 * Renders a block.
	 *
	 * @param array     $attributes Attributes.
	 * @param string    $content    Inner content.
	 * @param \WP_Block $block      Block.
	 * @return string
	 */
	public static function render( $attributes, $content, $block ): string {
		$item = self::item_of( $block->name, (array) $attributes );
		$html = $item ? Rendering::html( $item ) : '';
		return '' === $html ? '' : '<div ' . get_block_wrapper_attributes() . '>' . $html . '</div>';
	}

	/**
	 * A block as an item to render.
	 *
	 * @param string $name       Block name.
	 * @param array  $attributes Attributes.
	 * @return array Empty where it is no block of ours.
	 */
	public static function item_of( string $name, array $attributes ): array {
		if ( 0 !== strpos( $name, 'learnomy/' ) || ! in_array( substr( $name, 9 ), self::NAMES, true ) ) {
			return array();
		}
		return Rendering::item( 'block', $name, self::attributes( substr( $name, 9 ), $attributes ) );
	}

	/**
	 * The attributes that are the backend's business, with their types and defaults; colours and the like are WordPress's.
	 *
	 * @param string $name  Block name without the namespace.
	 * @param array  $given Attributes as they were given.
	 * @return array
	 */
	public static function attributes( string $name, array $given ): array {
		$attributes = array();
		foreach ( self::declared( $name ) as $attribute => $schema ) {
			$value = $given[ $attribute ] ?? $schema['default'];
			switch ( $schema['type'] ) {
				case 'integer':
					$value = is_numeric( $value ) ? (int) $value : (int) $schema['default'];
					$value = max( (int) ( $schema['minimum'] ?? 0 ), min( (int) ( $schema['maximum'] ?? PHP_INT_MAX ), $value ) );
					break;
				case 'boolean':
					$value = is_string( $value ) ? ! in_array( strtolower( $value ), array( '', '0', 'false', 'no', 'off' ), true ) : (bool) $value;
					break;
				default:
					$value = is_scalar( $value ) ? trim( (string) $value ) : (string) $schema['default'];
					$value = isset( $schema['enum'] ) && ! in_array( $value, $schema['enum'], true ) ? (string) $schema['default'] : $value;
			}
			$attributes[ $attribute ] = $value;
		}
		return $attributes;
	}

	/**
	 * The attributes of a block's metadata.
	 *
	 * @param string $name Block name without the namespace.
	 * @return array
	 */
	public static function declared( string $name ): array {
		if ( ! isset( self::$declared[ $name ] ) ) {
			$metadata                = wp_json_file_decode( LEARNOMY_DIR . "/blocks/$name/block.json", array( 'associative' => true ) );
			self::$declared[ $name ] = is_array( $metadata ) && isset( $metadata['attributes'] ) ? $metadata['attributes'] : array();
		}
		return self::$declared[ $name ];
	}
}
