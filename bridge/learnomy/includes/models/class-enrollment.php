<?php
/**
 * Enrolments, for themes and other plugins.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy\Models;

defined( 'ABSPATH' ) || exit;

/**
 * Reads lrn_enrollments. Access is the union of the grants that are live now, never the status.
 */
final class Enrollment extends Model {

	const LIVE = 'g.ended_at IS NULL AND g.starts_at <= UTC_TIMESTAMP(6) AND (g.ends_at IS NULL OR g.ends_at > UTC_TIMESTAMP(6))';

	/**
	 * Whether a user has access to a course by enrolment.
	 *
	 * @param int $user_id   User id.
	 * @param int $course_id Course id.
	 * @return bool
	 */
	public static function is_enrolled( int $user_id, int $course_id ): bool {
		if ( $user_id < 1 || $course_id < 1 ) {
			return false;
		}
		return (bool) self::rows(
			'SELECT e.id FROM {enrollments} e JOIN {enrollment_grants} g ON g.enrollment_id = e.id WHERE e.user_id = %d AND e.course_id = %d AND ' . self::LIVE . ' LIMIT 1',
			array( $user_id, $course_id ),
			array( 'id' )
		);
	}

	/**
	 * The courses that a user has access to by enrolment, each once, newest enrolment first.
	 *
	 * @param int $user_id User id.
	 * @param int $limit   Rows; 2,000 at most.
	 * @return object[] With id, user_id, course_id, status, source, progress_percent, enrolled_at, completed_at, expires_at.
	 */
	public static function get_distinct_for_user( int $user_id, int $limit = self::MOST ): array {
		if ( $user_id < 1 ) {
			return array();
		}
		return self::rows(
			'SELECT e.id, e.user_id, e.course_id, e.status, e.source, e.progress_percent, e.enrolled_at, e.completed_at, e.expires_at
			FROM {enrollments} e WHERE e.user_id = %d AND EXISTS (SELECT 1 FROM {enrollment_grants} g WHERE g.enrollment_id = e.id AND ' . self::LIVE . ')
			ORDER BY e.enrolled_at DESC, e.id DESC LIMIT %d',
			array( $user_id, self::bounded( $limit ) ),
			array( 'id', 'user_id', 'course_id', 'progress_percent' )
		);
	}
}
