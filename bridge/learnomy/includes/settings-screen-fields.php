<?php
/**
 * Rows of a form table.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Prints fields, escaped.
 */
final class Settings_Fields {

	/**
	 * A line of text.
	 *
	 * @param string $name        Field name.
	 * @param string $label       Label.
	 * @param string $value       Value.
	 * @param string $description What it is for.
	 * @param bool   $is_fixed    Whether it cannot be changed here.
	 */
	public static function text( string $name, string $label, string $value, string $description = '', bool $is_fixed = false ): void {
		$id = self::id( $name );
		self::open( $id, $label );
		printf(
			'<input type="text" class="regular-text code" id="%1$s" name="%2$s" value="%3$s" aria-describedby="%1$s-description"%4$s />',
			esc_attr( $id ),
			esc_attr( $name ),
			esc_attr( $value ),
			$is_fixed ? ' readonly' : ''
		);
		self::close( $id, $description );
	}

	/**
	 * One of several.
	 *
	 * @param string                $name    Field name.
	 * @param string                $label   Label.
	 * @param string                $value   Value.
	 * @param array<string, string> $choices Labels by value.
	 */
	public static function choice( string $name, string $label, string $value, array $choices ): void {
		$id = self::id( $name );
		self::open( $id, $label );
		printf( '<select id="%1$s" name="%2$s">', esc_attr( $id ), esc_attr( $name ) );
		foreach ( $choices as $choice => $text ) {
			printf( '<option value="%1$s"%2$s>%3$s</option>', esc_attr( $choice ), selected( $value, $choice, false ), esc_html( $text ) );
		}
		echo '</select>';
		self::close( $id, '' );
	}

	/**
	 * On or off.
	 *
	 * @param string $name        Field name.
	 * @param string $label       Label.
	 * @param bool   $is_on       Value.
	 * @param string $description What it does.
	 */
	public static function tick( string $name, string $label, bool $is_on, string $description ): void {
		$id = self::id( $name );
		echo '<tr><th scope="row">' . esc_html( $label ) . '</th><td>';
		printf(
			'<label for="%1$s"><input type="checkbox" id="%1$s" name="%2$s" value="1"%3$s /> %4$s</label>',
			esc_attr( $id ),
			esc_attr( $name ),
			checked( $is_on, true, false ),
			esc_html( $description )
		);
		echo '</td></tr>';
	}

	/**
	 * Opens a row.
	 *
	 * @param string $id    Id of the field.
	 * @param string $label Label.
	 */
	private static function open( string $id, string $label ): void {
		echo '<tr><th scope="row"><label for="' . esc_attr( $id ) . '">' . esc_html( $label ) . '</label></th><td>';
	}

	/**
	 * Closes a row.
	 *
	 * @param string $id          Id of the field.
	 * @param string $description What it is for.
	 */
	private static function close( string $id, string $description ): void {
		if ( '' !== $description ) {
			echo '<p class="description" id="' . esc_attr( $id ) . '-description">' . esc_html( $description ) . '</p>';
		}
		echo '</td></tr>';
	}

	/**
	 * The id of a field.
	 *
	 * @param string $name Field name.
	 * @return string
	 */
	private static function id( string $name ): string {
		return 'learnomy-' . trim( (string) preg_replace( '/[^a-z0-9]+/i', '-', $name ), '-' );
	}
}
