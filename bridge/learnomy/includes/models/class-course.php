<?php
/**
 * Courses, for themes and other plugins.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy\Models;

use function Learnomy\route_url;

defined( 'ABSPATH' ) || exit;

/**
 * Reads lrn_courses.
 */
final class Course extends Model {

	const COLUMNS  = 'id, title, slug, status, excerpt, level, language, author_id, thumbnail_id, thumbnail_url, price_minor, currency, is_free, lesson_count, student_count, rating_avg, rating_count, published_at';
	const INTEGERS = array( 'id', 'author_id', 'thumbnail_id', 'price_minor', 'is_free', 'lesson_count', 'student_count', 'rating_avg', 'rating_count' );

	/**
	 * One course, whatever its status but the trash.
	 *
	 * @param int $id Course id.
	 * @return object|null With at least id, title, slug, status, author_id, permalink.
	 */
	public static function find( int $id ): ?object {
		$rows = self::rows( 'SELECT ' . self::COLUMNS . " FROM {courses} WHERE id = %d AND status <> 'trash'", array( $id ), self::INTEGERS );
		return $rows ? self::with_permalink( $rows[0] ) : null;
	}

	/**
	 * Published courses, newest first.
	 *
	 * @param array $args `limit` (500; 2,000 at most) and `offset`.
	 * @return object[]
	 */
	public static function list_published( array $args = array() ): array {
		$limit  = self::bounded( (int) ( $args['limit'] ?? 500 ) );
		$offset = max( 0, (int) ( $args['offset'] ?? 0 ) );
		$rows   = self::rows(
			'SELECT ' . self::COLUMNS . " FROM {courses} WHERE status = 'published' ORDER BY published_at DESC, id DESC LIMIT %d OFFSET %d",
			array( $limit, $offset ),
			self::INTEGERS
		);
		return array_map( array( self::class, 'with_permalink' ), $rows );
	}

	/**
	 * Adds the course's address.
	 *
	 * @param object $course Row.
	 * @return object
	 */
	private static function with_permalink( object $course ): object {
		$course->is_free   = (bool) $course->is_free;
		$course->permalink = route_url( 'course', array( 'slug' => $course->slug ) );
		return $course;
	}
}
