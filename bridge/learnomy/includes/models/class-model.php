<?php
/**
 * Reading of our tables by themes and other plugins: bounded, and once per request for the same question.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy\Models;

defined( 'ABSPATH' ) || exit;

/**
 * What the models share.
 */
abstract class Model {

	/**
	 * Rows that a list has at most.
	 */
	const MOST = 2000;

	/**
	 * Answers of this request, by question.
	 *
	 * @var array<string, mixed>
	 */
	private static $known = array();

	/**
	 * Forgets what was read, after a change.
	 */
	public static function forget(): void {
		self::$known = array();
	}

	/**
	 * Rows of a query, each an object with the wanted columns as integers.
	 *
	 * @param string   $sql      Statement with placeholders; `{name}` is the table lrn_name of this blog.
	 * @param array    $values   Values.
	 * @param string[] $integers Columns that are whole numbers, null staying null.
	 * @return object[]
	 */
	protected static function rows( string $sql, array $values, array $integers ): array {
		global $wpdb;
		$sql = (string) preg_replace( '/\{(\w+)\}/', $wpdb->prefix . 'lrn_$1', $sql );
		$key = $sql . wp_json_encode( $values );
		if ( ! isset( self::$known[ $key ] ) ) {
			$suppressed = $wpdb->suppress_errors( true );
			$rows       = (array) $wpdb->get_results( $wpdb->prepare( $sql, $values ) ); // phpcs:ignore WordPress.DB -- Our tables; the statements are the models' own.
			$wpdb->suppress_errors( $suppressed );
			foreach ( $rows as $row ) {
				foreach ( $integers as $column ) {
					if ( isset( $row->$column ) ) {
						$row->$column = (int) $row->$column;
					}
				}
			}
			self::$known[ $key ] = $rows;
		}
		// Copies, so that what a caller does to its objects is its own.
		return array_map(
			static function ( $row ) {
				return clone $row;
			},
			self::$known[ $key ]
		);
	}

	/**
	 * A number of rows within our bounds.
	 *
	 * @param int $limit Wanted.
	 * @return int
	 */
	protected static function bounded( int $limit ): int {
		return max( 1, min( self::MOST, $limit ) );
	}
}
