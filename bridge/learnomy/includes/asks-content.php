<?php
/**
 * Content rendered once, when it is saved: what is the same for every reader becomes HTML, the rest becomes slots.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Renders what one author wrote.
 *
 * A slot is `{"marker", "kind": "block|shortcode", "name", "dynamic"}`. Its marker is a comment with a random token of
 * this render, so nobody can write one into a text; `dynamic` is the source, rendered again for each reader.
 */
final class Content_Renderer {

	/**
	 * Blocks of core's with a render callback whose result hangs on nothing but the block.
	 */
	const STATIC_BLOCKS = array(
		'core/audio',
		'core/button',
		'core/buttons',
		'core/code',
		'core/column',
		'core/columns',
		'core/cover',
		'core/details',
		'core/embed',
		'core/file',
		'core/gallery',
		'core/group',
		'core/heading',
		'core/html',
		'core/image',
		'core/list',
		'core/list-item',
		'core/media-text',
		'core/paragraph',
		'core/preformatted',
		'core/pullquote',
		'core/quote',
		'core/separator',
		'core/social-link',
		'core/social-links',
		'core/spacer',
		'core/table',
		'core/verse',
		'core/video',
	);

	/**
	 * Author.
	 *
	 * @var int
	 */
	private $author_id;

	/**
	 * Token of this render.
	 *
	 * @var string
	 */
	private $token;

	/**
	 * Slots met so far.
	 *
	 * @var array[]
	 */
	private $slots = array();

	/**
	 * Whether a block became a slot.
	 *
	 * @var bool
	 */
	private $has_dynamic_block = false;

	/**
	 * Begins.
	 *
	 * @param int $author_id Author.
	 */
	public function __construct( int $author_id ) {
		$this->author_id = $author_id;
		$this->token     = bin2hex( random_bytes( 16 ) );
	}

	/**
	 * Renders, in the order in which core's `the_content` does.
	 *
	 * @param string $content Raw content.
	 * @return array{html: string, slots: array[], blocks_dynamic: bool}
	 */
	public function render( string $content ): array {
		if ( ! user_can( $this->author_id, 'unfiltered_html' ) ) {
			$content = wp_kses_post( $content );
		}
		$has_blocks = has_blocks( $content );
		// The shortcode [embed] and bare addresses.
		$content = $GLOBALS['wp_embed']->autoembed( $GLOBALS['wp_embed']->run_shortcode( $content ) );
		if ( $has_blocks ) {
			$content = $this->render_blocks( $content );
		}
		$content = wptexturize( $content );
		if ( ! $has_blocks ) {
			$content = shortcode_unautop( wpautop( $content ) );
		}
		$content = wp_filter_content_tags( $this->take_shortcodes( $content ) );
		return array(
			'html'           => $this->without_paragraph( $content ),
			'slots'          => $this->slots,
			'blocks_dynamic' => $this->has_dynamic_block,
		);
	}

	/**
	 * What stands in a slot for the current user.
	 *
	 * @param mixed $slot Slot: kind and dynamic.
	 * @return string
	 */
	public static function render_slot( $slot ): string {
		if ( ! is_array( $slot ) || ! isset( $slot['kind'], $slot['dynamic'] ) || ! is_string( $slot['dynamic'] ) ) {
			return '';
		}
		return 'block' === $slot['kind'] ? do_blocks( $slot['dynamic'] ) : do_shortcode( $slot['dynamic'] );
	}

	/**
	 * Renders blocks; those that may differ by reader or by day become slots.
	 *
	 * @param string $content Content.
	 * @return string
	 */
	private function render_blocks( string $content ): string {
		$html = '';
		foreach ( parse_blocks( $content ) as $block ) {
			$html .= render_block( $this->with_slots( $block ) );
		}
		return $html;
	}

	/**
	 * A block whose dynamic parts are markers.
	 *
	 * @param array $block Parsed block.
	 * @return array
	 */
	private function with_slots( array $block ): array {
		$name = (string) ( $block['blockName'] ?? '' );
		$type = '' === $name ? null : \WP_Block_Type_Registry::get_instance()->get_registered( $name );
		if ( null !== $type && $type->is_dynamic() && ! in_array( $name, self::STATIC_BLOCKS, true ) ) {
			$this->has_dynamic_block = true;
			$marker                  = $this->slot( 'block', $name, serialize_block( $block ) );
			return array(
				'blockName'    => null,
				'attrs'        => array(),
				'innerBlocks'  => array(),
				'innerHTML'    => $marker,
				'innerContent' => array( $marker ),
			);
		}
		foreach ( $block['innerBlocks'] as $index => $inner ) {
			$block['innerBlocks'][ $index ] = $this->with_slots( $inner );
		}
		return $block;
	}

	/**
	 * Makes slots of shortcodes. Those inside a tag stay as they are.
	 *
	 * @param string $content Content.
	 * @return string
	 */
	private function take_shortcodes( string $content ): string {
		if ( false === strpos( $content, '[' ) || ! $GLOBALS['shortcode_tags'] ) {
			return $content;
		}
		$pattern = '/' . get_shortcode_regex() . '/s';
		$done    = '';
		$at      = 0;
		while ( preg_match( $pattern, $content, $match, PREG_OFFSET_CAPTURE, $at ) ) {
			list( $whole, $start ) = $match[0];
			$before                = substr( $content, $at, $start - $at );
			$done                 .= $before;
			$at                    = $start + strlen( $whole );
			$last_open             = strrpos( $done, '<' );
			if ( false !== $last_open && false === strpos( $done, '>', $last_open ) ) {
				$done .= $whole;
			} elseif ( '[' === $match[1][0] && isset( $match[6] ) && ']' === $match[6][0] ) {
				$done .= substr( $whole, 1, -1 ); // Escaped: [[name]] shows [name].
			} else {
				$done .= $match[1][0] . $this->slot( 'shortcode', $match[2][0], substr( $whole, strlen( $match[1][0] ), strlen( $whole ) - strlen( $match[1][0] ) - ( isset( $match[6] ) ? strlen( $match[6][0] ) : 0 ) ) ) . ( isset( $match[6] ) ? $match[6][0] : '' );
			}
		}
		return $done . substr( $content, $at );
	}

	/**
	 * Adds a slot.
	 *
	 * @param string $kind   Kind.
	 * @param string $name   Name.
	 * @param string $source Source.
	 * @return string Its marker.
	 */
	private function slot( string $kind, string $name, string $source ): string {
		$marker        = '<!--learnomy-slot:' . $this->token . ':' . count( $this->slots ) . '-->';
		$this->slots[] = array(
			'marker'  => $marker,
			'kind'    => $kind,
			'name'    => $name,
			'dynamic' => $source,
		);
		return $marker;
	}

	/**
	 * Frees markers of a paragraph of their own, which shortcode_unautop() cannot see.
	 *
	 * @param string $html HTML.
	 * @return string
	 */
	private function without_paragraph( string $html ): string {
		return (string) preg_replace( '#<p>\s*(<!--learnomy-slot:' . $this->token . ':\d+-->)\s*</p>#', '$1', $html );
	}
}
