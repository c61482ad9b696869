<?php
/**
 * What stands in the head of our pages: title, canonical address, description, Open Graph, JSON-LD, robots.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The head of the virtual pages, as the backend gives it.
 */
final class Page_Head {

	/**
	 * Registers the callbacks.
	 */
	public static function init(): void {
		add_filter( 'document_title_parts', array( self::class, 'title' ) );
		add_filter( 'wp_title_parts', array( self::class, 'title_of_old_themes' ) );
		add_filter( 'wp_robots', array( self::class, 'robots' ) );
		add_action( 'wp_head', array( self::class, 'print_head' ), 5 );
	}

	/**
	 * What the backend gave for the head.
	 *
	 * @return array
	 */
	private static function given(): array {
		return '' === Pages::route() || is_404() ? array() : Rendering::head();
	}

	/**
	 * The title of the document.
	 *
	 * @param array $parts Parts.
	 * @return array
	 */
	public static function title( $parts ): array {
		$parts = (array) $parts;
		$title = self::text( 'title' );
		if ( '' !== $title ) {
			$parts['title'] = $title;
		}
		return $parts;
	}

	/**
	 * The title in themes that print it themselves.
	 *
	 * @param string[] $parts Parts.
	 * @return string[]
	 */
	public static function title_of_old_themes( $parts ): array {
		$title = self::text( 'title' );
		return '' === $title ? (array) $parts : array( $title );
	}

	/**
	 * Directives for search engines.
	 *
	 * @param array $robots Directives.
	 * @return array
	 */
	public static function robots( $robots ): array {
		$robots = (array) $robots;
		$given  = self::given()['robots'] ?? array();
		if ( is_string( $given ) ) {
			$given = array_filter( array_map( 'trim', explode( ',', $given ) ) );
		}
		foreach ( (array) $given as $name => $value ) {
			if ( is_int( $name ) ) {
				list( $name, $value ) = array_pad( explode( ':', (string) $value, 2 ), 2, true );
			}
			$robots[ (string) $name ] = is_scalar( $value ) ? $value : true;
		}
		return $robots;
	}

	/**
	 * Prints the rest.
	 */
	public static function print_head(): void {
		$head = self::given();
		if ( ! $head ) {
			return;
		}
		$description = self::text( 'description' );
		if ( '' !== $description ) {
			echo '<meta name="description" content="' . esc_attr( $description ) . '" />' . "\n";
		}
		$canonical = self::text( 'canonical' );
		if ( '' !== $canonical ) {
			echo '<link rel="canonical" href="' . esc_url( $canonical ) . '" />' . "\n";
		}
		foreach ( (array) ( $head['og'] ?? array() ) as $property => $contents ) {
			if ( 1 !== preg_match( '/^(og|article|product|twitter)(:[a-z0-9_]+)+$/', (string) $property ) ) {
				continue;
			}
			foreach ( array_filter( (array) $contents, 'is_scalar' ) as $content ) {
				$attribute = 0 === strpos( (string) $property, 'twitter:' ) ? 'name' : 'property';
				echo '<meta ' . esc_attr( $attribute ) . '="' . esc_attr( (string) $property ) . '" content="' . esc_attr( (string) $content ) . '" />' . "\n";
			}
		}
		foreach ( array_filter( (array) ( $head['jsonld'] ?? array() ), 'is_array' ) as $document ) {
			// HEX_TAG keeps a title from ending the script.
			echo '<script type="application/ld+json">' . wp_json_encode( $document, JSON_HEX_TAG | JSON_HEX_AMP | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE ) . '</script>' . "\n"; // phpcs:ignore WordPress.Security.EscapeOutput -- JSON, with tags encoded.
		}
	}

	/**
	 * A text of the head.
	 *
	 * @param string $name Name.
	 * @return string
	 */
	private static function text( string $name ): string {
		$value = self::given()[ $name ] ?? '';
		return is_string( $value ) ? trim( $value ) : '';
	}
}
